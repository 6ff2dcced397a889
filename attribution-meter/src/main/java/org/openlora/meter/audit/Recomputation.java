package org.openlora.meter.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.UsageScorer;
import org.openlora.meter.audit.AuditedReceipt.Check;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// Makes a receipt a second time, by the versions that its usage row was committed with, and compares it member by
/// member.
///
/// With the text all of it is computed: evidence is searched in the corpora again, shares, price and payments follow,
/// and
/// the counts are counted. Without it the recorded attribution and the billed counts are taken as given, and what
/// follows
/// from them is computed. Both are pure functions of what the ledger keeps: whoever has it gets the same, always. Used
/// by
/// one thread.
public final class Recomputation {
    private static final JsonMapper JSON = new JsonMapper();
    /// What follows from the text.
    private static final Set<String> TEXT = Set.of("promptHash", "outputHash", "promptTokens", "generatedTokens");
    /// What has checks of its own.
    private static final Set<String> NAMED = Set.of("attribution", "price", "payments");

    private final AuditRecords records;
    private final UsageScorer scorer;

    public Recomputation(AuditRecords records, UsageScorer scorer) {
        this.records = records;
        this.scorer = scorer;
    }

    /// What a recomputation came to.
    ///
    /// @param checks from [CheckName#TEXT] to [CheckName#MEMBERS]
    /// @param right the receipt as it must have been; null where that could not be computed
    /// @param row the usage row with the tokens of the text; null without a text that is the receipt's
    public record Result(
            List<Check> checks,
            @Nullable Receipt right,
            @Nullable UsageRow row) {
        public Result {
            checks = List.copyOf(checks);
        }
    }

    /// Whether these are the tokens of a usage receipt, by its salted hashes.
    ///
    /// @throws NoSuchElementException where there is no usage receipt of that number
    public boolean isTextOf(long seq, AuditText text) {
        RecordedReceipt recorded = records.require(seq);
        RecordedReceipt.Usage usage = recorded.usage();
        if (usage == null) {
            throw new NoSuchElementException("receipt " + seq + " is a correction and has no text");
        }
        Receipt receipt = recorded.signed().receipt();
        Bytes32 salt = UsageCodec.fromJson(
                        usage.body(), unknown(receipt.promptTokens()), unknown(receipt.generatedTokens()))
                .requestSalt();
        return TokenHashes.prompt(salt, text.prompt()).equals(receipt.promptHash())
                && TokenHashes.output(salt, text.output()).equals(receipt.outputHash());
    }

    /// Computes a receipt of the ledger again.
    ///
    /// @param text null where nobody has it
    /// @throws NoSuchElementException where there is none of that number
    public Result recompute(long seq, @Nullable AuditText text) {
        return of(records.require(seq), text);
    }

    /// @param text null where nobody has it
    Result of(RecordedReceipt recorded, @Nullable AuditText text) {
        RecordedReceipt.Usage usage = recorded.usage();
        if (usage == null) {
            return nothing(new Outcome.NotChecked("a correction: what it corrects is recomputed"));
        }
        Receipt receipt = recorded.signed().receipt();
        UsageRow row;
        try {
            row = UsageCodec.fromJson(
                    usage.body(),
                    text == null ? unknown(receipt.promptTokens()) : text.prompt(),
                    text == null ? unknown(receipt.generatedTokens()) : text.output());
        } catch (IllegalArgumentException e) {
            return nothing(new Outcome.Disagrees("the text cannot be the receipt's: " + e.getMessage()));
        }
        Optional<String> damage = scorer.damage(row.versions());
        if (damage.isPresent()) {
            return new Result(List.of(new Check(CheckName.PRICE, new Outcome.Disagrees(damage.get()))), null, null);
        }
        return text == null
                ? byRecord(recorded, usage, row, new ArrayList<>(List.of(notChecked(CheckName.TEXT, "nobody has it"))))
                : byText(recorded, usage, row, text);
    }

    private static Result nothing(Outcome outcome) {
        return new Result(List.of(new Check(CheckName.TEXT, outcome)), null, null);
    }

    /// As many ids as were billed. Which they are plays no part in a price.
    private static TokenIds unknown(int count) {
        return TokenIds.of(new int[count]);
    }

    private Result byText(RecordedReceipt recorded, RecordedReceipt.Usage usage, UsageRow row, AuditText text) {
        Receipt receipt = recorded.signed().receipt();
        List<Check> checks = new ArrayList<>();
        boolean same = row.requestId().equals(receipt.requestId())
                && TokenHashes.prompt(row.requestSalt(), row.prompt()).equals(receipt.promptHash())
                && TokenHashes.output(row.requestSalt(), row.output()).equals(receipt.outputHash());
        if (!same) {
            checks.add(new Check(
                    CheckName.TEXT,
                    new Outcome.Disagrees("the tokens of the " + text.origin() + " are not the receipt's")));
            return byRecord(
                    recorded,
                    usage,
                    row.withTokens(unknown(receipt.promptTokens()), unknown(receipt.generatedTokens())),
                    checks);
        }
        boolean counted =
                row.prompt().size() == receipt.promptTokens() && row.output().size() == receipt.generatedTokens();
        String counts = receipt.promptTokens() + " + " + receipt.generatedTokens() + " tokens billed";
        checks.add(new Check(
                CheckName.TEXT,
                counted
                        ? new Outcome.Agrees(counts + ", from the " + text.origin())
                        : new Outcome.Disagrees(counts + ", " + row.prompt().size() + " + "
                                + row.output().size() + " in the " + text.origin())));
        switch (scorer.score(new StoredUsage(0, row, usage.includeByMillis()))) {
            case ScoredUsage.Priced priced -> {
                checks.add(evidence(recorded, priced.attribution()));
                Receipt right = remake(priced, receipt);
                checks.addAll(compare(receipt, right, Set.of()));
                return new Result(checks, right, row);
            }
            case ScoredUsage.Quarantined(StoredUsage _, String reason) -> {
                Result rest = byRecord(recorded, usage, row, checks);
                List<Check> all = rest.checks().stream()
                        .map(check ->
                                check.name() == CheckName.EVIDENCE && check.outcome() instanceof Outcome.NotChecked
                                        ? notChecked(CheckName.EVIDENCE, reason)
                                        : check)
                        .toList();
                return new Result(all, rest.right(), row);
            }
        }
    }

    /// Price and payments as they follow from the recorded attribution.
    private Result byRecord(RecordedReceipt recorded, RecordedReceipt.Usage usage, UsageRow row, List<Check> checks) {
        Receipt receipt = recorded.signed().receipt();
        if (!Sha256.hash(recorded.attribution()).equals(receipt.attribution())) {
            checks.add(new Check(
                    CheckName.EVIDENCE,
                    new Outcome.Disagrees("the kept attribution record is not the one that the receipt names")));
            return new Result(checks, null, null);
        }
        checks.add(notChecked(CheckName.EVIDENCE, "the record is the receipt's; without the text nothing is searched"));
        StoredUsage stored = new StoredUsage(0, row, usage.includeByMillis());
        switch (scorer.price(stored, AttributionRecord.ofBytes(recorded.attribution()))) {
            case ScoredUsage.Priced priced -> {
                Receipt right = remake(priced, receipt);
                checks.addAll(compare(receipt, right, TEXT));
                return new Result(checks, right, null);
            }
            case ScoredUsage.Quarantined(StoredUsage _, String reason) -> {
                checks.add(notChecked(CheckName.PRICE, reason));
                return new Result(checks, null, null);
            }
        }
    }

    private static Receipt remake(ScoredUsage.Priced priced, Receipt receipt) {
        return UsageReceipts.receipt(
                priced,
                Sha256.hash(priced.attribution().bytes()),
                receipt.stream(),
                receipt.seq(),
                receipt.prevReceipt());
    }

    private static Check evidence(RecordedReceipt recorded, AttributionRecord right) {
        Bytes32 named = recorded.signed().receipt().attribution();
        if (Arrays.equals(right.bytes(), recorded.attribution()) && right.hash().equals(named)) {
            return new Check(
                    CheckName.EVIDENCE,
                    new Outcome.Agrees(
                            right.evidenceTokens() + " of " + right.owners().size() + " tokens by evidence, "
                                    + right.spans().size() + " spans, record " + Sha256.text(named)));
        }
        return new Check(
                CheckName.EVIDENCE,
                new Outcome.Disagrees(
                        "recomputed record " + Sha256.text(right.hash()) + ", the receipt names " + Sha256.text(named)
                                + ", the ledger keeps " + Sha256.text(Sha256.hash(recorded.attribution()))));
    }

    private static List<Check> compare(Receipt receipt, Receipt right, Set<String> unknown) {
        List<String> others = new ArrayList<>();
        JsonNode recorded = tree(receipt);
        JsonNode recomputed = tree(right);
        recorded.properties().forEach(member -> {
            String name = member.getKey();
            if (!NAMED.contains(name)
                    && !unknown.contains(name)
                    && !member.getValue().equals(recomputed.get(name))) {
                others.add(name + " is " + member.getValue() + ", recomputed " + recomputed.get(name));
            }
        });
        return List.of(
                new Check(
                        CheckName.PRICE,
                        receipt.price() == right.price()
                                ? new Outcome.Agrees(right.price() + " pico-units")
                                : new Outcome.Disagrees(
                                        "price is " + receipt.price() + " pico-units, recomputed " + right.price())),
                new Check(
                        CheckName.PAYMENTS,
                        receipt.payments().equals(right.payments())
                                ? new Outcome.Agrees(right.payments().size() + " payments to the pico-unit")
                                : new Outcome.Disagrees(firstDifference(receipt, right))),
                new Check(
                        CheckName.MEMBERS,
                        others.isEmpty()
                                ? new Outcome.Agrees("as computed from the usage row")
                                : new Outcome.Disagrees(String.join("; ", others))));
    }

    private static String firstDifference(Receipt receipt, Receipt right) {
        int count = Math.min(receipt.payments().size(), right.payments().size());
        for (int i = 0; i < count; i++) {
            if (!receipt.payments().get(i).equals(right.payments().get(i))) {
                return "payment " + i + " is " + receipt.payments().get(i) + ", recomputed "
                        + right.payments().get(i);
            }
        }
        return receipt.payments().size() + " payments, recomputed "
                + right.payments().size();
    }

    private static JsonNode tree(Receipt receipt) {
        try {
            return JSON.readTree(ReceiptCodec.toJson(receipt));
        } catch (IOException e) {
            throw new UncheckedIOException("a receipt's own JSON cannot be read", e);
        }
    }

    private static Check notChecked(CheckName name, String reason) {
        return new Check(name, new Outcome.NotChecked(reason));
    }
}
