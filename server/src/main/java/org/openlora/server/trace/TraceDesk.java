package org.openlora.server.trace;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.AttributionRecord.AttributedSpan;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evidence.Source;
import org.openlora.meter.evidence.SpanEvidence;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.TokenIds;

/// Makes traces out of receipts, their attribution records and the datanets.
///
/// @param datanets by digest, for names and rows
/// @param decode the text of token ids
public record TraceDesk(Function<Bytes32, Optional<Datanet>> datanets, Function<int[], String> decode) {
    private static final int PICO_DIGITS = 12;
    private static final double UNITS_PER_BIT = 1 << 16;
    private static final int LONGEST_ROW = 1_000;

    /// What a receipt and its record say of an answer.
    ///
    /// @param answer its token ids; null where they are not known
    /// @param missing why not
    public Trace trace(Receipt receipt, AttributionRecord record, @Nullable TokenIds answer, String missing) {
        Notes notes = new Notes(receipt, record);
        List<Trace.Piece> pieces = pieces(record, answer, notes);
        return new Trace(
                receipt.requestId().toString(),
                receipt.seq(),
                Instant.ofEpochMilli(receipt.servedTo()).toString(),
                Sha256.text(receipt.baseDigest()),
                receipt.adapters().stream()
                        .map(AdapterUse::digest)
                        .map(Sha256::text)
                        .toList(),
                Sha256.text(record.scorer()),
                decimal(receipt.price()),
                record.rules().lambdaPpm() / (double) AttributionRules.WHOLE_PPM,
                record.rules().rarityThresholdBits(),
                record.owners().size(),
                record.evidenceTokens(),
                (int) record.owners().stream()
                        .filter(owner -> owner == SpanEvidence.ECHO)
                        .count(),
                answer == null ? missing : null,
                pieces,
                notes.list(),
                receipt.payments().stream()
                        .map(payment -> payee(payment, receipt.price(), notes))
                        .toList());
    }

    private List<Trace.Piece> pieces(AttributionRecord record, @Nullable TokenIds answer, Notes notes) {
        int[] ids = answer == null ? new int[0] : answer.toArray();
        List<Integer> owners = record.owners();
        List<Trace.Piece> pieces = new ArrayList<>();
        int end;
        for (int start = 0; start < owners.size(); start = end) {
            int owner = owners.get(start);
            end = start + 1;
            while (end < owners.size() && owners.get(end) == owner) {
                end++;
            }
            Trace.Kind kind =
                    switch (owner) {
                        case SpanEvidence.PRIOR -> Trace.Kind.PRIOR;
                        case SpanEvidence.ECHO -> Trace.Kind.ECHO;
                        default -> Trace.Kind.EVIDENCE;
                    };
            String text = answer == null ? "" : between(ids, start, end);
            pieces.add(new Trace.Piece(
                    kind,
                    start,
                    end - start,
                    text,
                    kind == Trace.Kind.EVIDENCE ? notes.of(record.spans().get(owner)) : List.of()));
        }
        return pieces;
    }

    /// A character may be cut over tokens, so a piece is what it adds to the text before it.
    private String between(int[] ids, int start, int end) {
        String before = decode.apply(Arrays.copyOf(ids, start));
        String with = decode.apply(Arrays.copyOf(ids, end));
        int common = 0;
        while (common < Math.min(before.length(), with.length()) && before.charAt(common) == with.charAt(common)) {
            common++;
        }
        return with.substring(common);
    }

    private Trace.Payee payee(Payment payment, long price, Notes notes) {
        return new Trace.Payee(
                payment.role().name().toLowerCase(Locale.ROOT).replace('_', ' '),
                what(payment, notes),
                payment.payee().toString(),
                decimal(payment.amount()),
                payment.amount() / (double) price);
    }

    private String what(Payment payment, Notes notes) {
        return switch (payment.role()) {
            case BASE_OWNER -> "base " + shortened(payment.source());
            case ADAPTER_OWNER -> "adapter " + shortened(payment.source());
            case OPERATOR -> "computing the answer";
            case PLATFORM -> "fees";
            case CONTRIBUTOR -> notes.name(payment.source());
            case DATANET_POOL ->
                "all contributors of "
                        + datanets.apply(payment.source()).map(Datanet::id).orElse(shortened(payment.source()));
            case TREASURY -> "what belongs to nobody known";
        };
    }

    private static String shortened(Bytes32 digest) {
        return Sha256.text(digest).substring(0, "sha256:".length() + 12) + "…";
    }

    private static String decimal(long pico) {
        BigDecimal value = BigDecimal.valueOf(pico, PICO_DIGITS).stripTrailingZeros();
        return (value.scale() < 0 ? value.setScale(0) : value).toPlainString();
    }

    /// Contributors by their first passage.
    private final class Notes {
        private final Receipt receipt;
        private final AttributionRecord record;
        private final Map<Bytes32, Integer> numbers = new LinkedHashMap<>();
        private final Map<Bytes32, List<Trace.Passage>> passages = new HashMap<>();
        private final Map<Bytes32, Source> first = new HashMap<>();

        Notes(Receipt receipt, AttributionRecord record) {
            this.receipt = receipt;
            this.record = record;
            record.spans().forEach(this::add);
        }

        private void add(AttributedSpan span) {
            for (Source source : span.sources()) {
                Bytes32 contributor = contributor(source);
                numbers.putIfAbsent(contributor, numbers.size() + 1);
                first.putIfAbsent(contributor, source);
                passages.computeIfAbsent(contributor, _ -> new ArrayList<>())
                        .add(new Trace.Passage(
                                span.start(),
                                span.length(),
                                span.rarity() / UNITS_PER_BIT,
                                source.row(),
                                span.sourceCount(),
                                row(source)));
            }
        }

        private Optional<Datanet> datanet(Source source) {
            return datanets.apply(record.datanets().get(source.datanet()).digest());
        }

        /// The writer's hash. Without the datanet a row's writer is not known, so each row stands for itself.
        private Bytes32 contributor(Source source) {
            return datanet(source)
                    .map(datanet -> datanet.contributorOf(source.row()).hash())
                    .orElseGet(() -> Sha256.domain("openlora/trace/row")
                            .word(record.datanets().get(source.datanet()).digest())
                            .u64(source.row())
                            .digest());
        }

        private @Nullable String row(Source source) {
            return datanet(source)
                    .map(datanet -> datanet.rows().get(source.row()).text())
                    .map(text -> text.length() > LONGEST_ROW ? text.substring(0, LONGEST_ROW) + "…" : text)
                    .orElse(null);
        }

        /// The numbers of a span's writers.
        List<Integer> of(AttributedSpan span) {
            return span.sources().stream()
                    .map(source -> numbers.getOrDefault(contributor(source), 0))
                    .distinct()
                    .toList();
        }

        /// Whom a payment for passages is for.
        String name(Bytes32 contributor) {
            return list().stream()
                    .filter(note -> note.contributor().equals(contributor.toString()))
                    .map(note -> "%s, note %d".formatted(note.name(), note.number()))
                    .findFirst()
                    .orElse("passages of contributor " + contributor);
        }

        List<Trace.Note> list() {
            List<Trace.Note> notes = new ArrayList<>();
            numbers.forEach((contributor, number) -> notes.add(note(contributor, number)));
            return notes;
        }

        private Trace.Note note(Bytes32 contributor, int number) {
            Source source = first.getOrDefault(contributor, new Source(0, 0));
            Bytes32 digest = record.datanets().get(source.datanet()).digest();
            Optional<Datanet> datanet = datanets.apply(digest);
            return new Trace.Note(
                    number,
                    datanet.map(found -> found.contributorOf(source.row()))
                            .map(Contributor::name)
                            .orElse("row " + source.row()),
                    contributor.toString(),
                    datanet.map(Datanet::id).orElse(shortened(digest)),
                    datanet.map(Datanet::title).orElse("not registered here"),
                    datanet.map(Datanet::licence).orElse("unknown"),
                    share(contributor),
                    decimal(paid(contributor)),
                    passages.getOrDefault(contributor, List.of()));
        }

        private double share(Bytes32 contributor) {
            long total = 0;
            for (int t = 0; t < record.targets().size(); t++) {
                Target target = record.targets().get(t);
                if (target.kind() == Target.Kind.CONTRIBUTOR
                        && target.contributor().equals(contributor)) {
                    total += record.totals().get(t);
                }
            }
            return total / (double) record.wholePpm();
        }

        private long paid(Bytes32 contributor) {
            return receipt.payments().stream()
                    .filter(payment -> payment.role() == Role.CONTRIBUTOR
                            && payment.source().equals(contributor))
                    .mapToLong(Payment::amount)
                    .sum();
        }
    }
}
