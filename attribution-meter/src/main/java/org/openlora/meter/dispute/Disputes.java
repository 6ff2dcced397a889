package org.openlora.meter.dispute;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.audit.AnswerReplay;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.audit.AuditedReceipt.Check;
import org.openlora.meter.audit.CheckName;
import org.openlora.meter.audit.Outcome;
import org.openlora.meter.audit.Recomputation;
import org.openlora.meter.database.Database;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.AuditTrail;
import org.openlora.meter.ledger.Correction;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.TokenIds;

/// The disputes of a ledger.
///
/// Every step is idempotent: opening and resolving follow from their inputs, corrections have ids that follow from the
/// dispute, and what was begun before a crash is found and ended by doing it again. Each step stands in the audit
/// trail,
/// in the transaction that makes it. Used by one thread.
public final class Disputes {
    private static final JsonMapper JSON = new JsonMapper();
    private static final String COLUMNS =
            "id, seq, receipt, reason, opened_by, opened_at, prompt_ids, output_ids, state,"
                    + " resolved_by, resolved_at, finding, credit, debit";

    private final AttachedLedger ledger;
    private final Recomputation recomputation;
    private final AuditText.Source kept;
    private final AnswerReplay replay;
    private final Duration inclusionWindow;

    /// @param kept where texts come from that nobody gave
    /// @param inclusionWindow corrections are promised in a batch this long after they are made
    public Disputes(
            AttachedLedger ledger,
            Recomputation recomputation,
            AuditText.Source kept,
            AnswerReplay replay,
            Duration inclusionWindow) {
        this.ledger = ledger;
        this.recomputation = recomputation;
        this.kept = kept;
        this.replay = replay;
        this.inclusionWindow = inclusionWindow;
    }

    /// A dispute as the ledger has it, with the text that was given.
    private record Kept(Dispute dispute, @Nullable AuditText text) {}

    /// Puts a dispute on record.
    ///
    /// @param text given by who opens it; null for what the trace store has
    /// @return the same dispute where it is on record already
    /// @throws NoSuchElementException where there is no usage receipt of that number
    /// @throws IllegalArgumentException where the text is not the receipt's, or no reason is given
    public Dispute open(long seq, String reason, String actor, @Nullable AuditText text, long nowMillis) {
        if (reason.isBlank() || actor.isBlank()) {
            throw new IllegalArgumentException("a dispute needs a reason and somebody who opens it");
        }
        Receipt receipt = receipt(seq);
        if (receipt.kind() != ReceiptKind.USAGE) {
            throw new NoSuchElementException(
                    "receipt " + seq + " is a correction: dispute the usage receipt " + receipt.ref());
        }
        if (text != null && !recomputation.isTextOf(seq, text)) {
            throw new IllegalArgumentException(
                    "these are not the tokens of receipt " + seq + ": its salted hashes are of others");
        }
        Bytes32 hash = ReceiptCodec.structHash(receipt);
        Bytes32 id = Sha256.domain("openlora/dispute/v1")
                .word(hash)
                .prefixed(reason.getBytes(StandardCharsets.UTF_8))
                .digest();
        return ledger.database().write(connection -> {
            int inserted = Database.update(
                    connection,
                    "INSERT INTO dispute (id, stream, seq, receipt, reason, opened_by, opened_at)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                    id,
                    receipt.stream(),
                    seq,
                    hash,
                    reason,
                    actor,
                    nowMillis);
            if (text != null) {
                Database.update(
                        connection,
                        "UPDATE dispute SET prompt_ids = ?, output_ids = ? WHERE id = ? AND state = 0",
                        text.prompt().bytes(),
                        text.output().bytes(),
                        id);
            }
            if (inserted == 1) {
                log(
                        connection,
                        nowMillis,
                        "dispute-opened",
                        actor,
                        id,
                        "receipt " + seq + ": " + reason,
                        Dispute.State.OPEN);
            }
            return require(connection, id).dispute();
        });
    }

    /// Computes the receipt of a dispute again and settles it: a credit of what was charged too much, with a debit
    /// where
    /// others were to have it, or a rejection.
    ///
    /// @return as it was settled, also where that was done before
    /// @throws NoSuchElementException where there is no such dispute
    /// @throws IllegalStateException where there is too little to decide by; the dispute stays open
    public Dispute resolve(Bytes32 id, String actor, long nowMillis) {
        Kept known = ledger.database().read(connection -> require(connection, id));
        Dispute dispute = known.dispute();
        if (dispute.state() != Dispute.State.OPEN) {
            return dispute;
        }
        Receipt receipt = receipt(dispute.seq());
        AuditText text =
                known.text() == null ? kept.find(receipt).orElse(null) : withReplay(known.text(), kept.find(receipt));
        Recomputation.Result result = recomputation.recompute(dispute.seq(), text);
        Outcome drawn = result.row() == null || text == null || text.replay() == null
                ? new Outcome.NotChecked("the tokens, or how they were drawn, are not kept")
                : replay.replay(result.row(), text.replay());
        Verdict verdict = Verdict.of(charged(dispute), result.right(), drawn);
        return switch (verdict) {
            case Verdict.Undecidable undecidable ->
                throw new IllegalStateException(
                        "dispute " + id + " stays open: " + undecidable.why() + "; " + reasons(result.checks()));
            case Verdict.Reject reject ->
                settle(dispute, Dispute.State.REJECTED, finding(result, drawn, reject), null, null, actor, nowMillis);
            case Verdict.Amend amend -> {
                Bytes32 credit = correct(dispute, ReceiptKind.CREDIT, amend.credit(), actor, nowMillis);
                Bytes32 debit = amend.debit().isEmpty()
                        ? null
                        : correct(dispute, ReceiptKind.DEBIT, amend.debit(), actor, nowMillis);
                yield settle(
                        dispute,
                        Dispute.State.CREDITED,
                        finding(result, drawn, amend),
                        credit,
                        debit,
                        actor,
                        nowMillis);
            }
        };
    }

    public Optional<Dispute> find(Bytes32 id) {
        return ledger.database().read(connection -> find(connection, id)).map(Kept::dispute);
    }

    /// All disputes, or those of one state, the newest first.
    public List<Dispute> list(Dispute.@Nullable State state) {
        return ledger
                .database()
                .query("SELECT " + COLUMNS + " FROM dispute ORDER BY opened_at DESC, id", Disputes::kept)
                .stream()
                .map(Kept::dispute)
                .filter(dispute -> state == null || dispute.state() == state)
                .toList();
    }

    private Receipt receipt(long seq) {
        return ledger.queries()
                .receipt(seq)
                .map(SignedReceipt::receipt)
                .orElseThrow(() -> new NoSuchElementException("the ledger has no receipt " + seq));
    }

    /// The given tokens, with how they were drawn where the trace store knows it.
    private static AuditText withReplay(AuditText given, Optional<AuditText> traced) {
        return new AuditText(
                given.origin(),
                given.prompt(),
                given.output(),
                traced.map(AuditText::replay).orElse(null));
    }

    /// What each payee has, without what this dispute has done already.
    private List<Payment> charged(Dispute dispute) {
        Map<Payment, Long> left = new TreeMap<>(Payment.ORDER);
        receipt(dispute.seq()).payments().forEach(payment -> left.put(payment, payment.amount()));
        for (SignedReceipt signed : ledger.queries().correctionsOf(dispute.receipt())) {
            Receipt correction = signed.receipt();
            if (!correction.requestId().equals(correctionId(dispute, ReceiptKind.CREDIT))
                    && !correction.requestId().equals(correctionId(dispute, ReceiptKind.DEBIT))) {
                int sign = correction.kind() == ReceiptKind.CREDIT ? -1 : 1;
                correction.payments().forEach(payment -> left.merge(payment, sign * payment.amount(), Math::addExact));
            }
        }
        return left.entrySet().stream()
                .map(entry -> new Payment(
                        entry.getKey().payee(),
                        entry.getKey().role(),
                        entry.getKey().source(),
                        entry.getValue()))
                .toList();
    }

    private static Bytes32 correctionId(Dispute dispute, ReceiptKind kind) {
        return Sha256.domain("openlora/dispute-correction/v1")
                .word(dispute.id())
                .u64(kind.code())
                .digest();
    }

    /// @return struct hash of the correction, made now or by an earlier try
    private Bytes32 correct(Dispute dispute, ReceiptKind kind, List<Payment> payments, String actor, long nowMillis) {
        Bytes32 id = correctionId(dispute, kind);
        SignedReceipt made = ledger.queries().receiptsOf(id).stream()
                .findFirst()
                .orElseGet(() -> ledger.correct(
                        new Correction(
                                id,
                                kind,
                                dispute.receipt(),
                                payments,
                                actor,
                                "dispute " + dispute.id() + ": " + dispute.reason()),
                        inclusionWindow,
                        nowMillis));
        return ReceiptCodec.structHash(made.receipt());
    }

    private Dispute settle(
            Dispute dispute,
            Dispute.State state,
            String finding,
            @Nullable Bytes32 credit,
            @Nullable Bytes32 debit,
            String actor,
            long nowMillis) {
        return ledger.database().write(connection -> {
            int settled = Database.update(
                    connection,
                    "UPDATE dispute SET state = ?, resolved_by = ?, resolved_at = ?, finding = ?, credit = ?, debit = ?,"
                            + " prompt_ids = NULL, output_ids = NULL WHERE id = ? AND state = 0",
                    state.code(),
                    actor,
                    nowMillis,
                    finding,
                    credit,
                    debit,
                    dispute.id());
            if (settled == 1) {
                log(connection, nowMillis, "dispute-resolved", actor, dispute.id(), finding, state);
            }
            return require(connection, dispute.id()).dispute();
        });
    }

    private static void log(
            Connection connection,
            long nowMillis,
            String kind,
            String actor,
            Bytes32 id,
            String detail,
            Dispute.State state)
            throws SQLException {
        String before = state == Dispute.State.OPEN ? "" : Dispute.State.OPEN.name();
        AuditTrail.append(connection, new AuditEvent(nowMillis, kind, actor, "", id, detail, before, state.name()));
    }

    private static String reasons(List<Check> checks) {
        return checks.stream()
                .map(check -> check.name().text() + ": " + check.outcome().detail())
                .reduce((left, right) -> left + "; " + right)
                .orElse("nothing could be checked");
    }

    private static String finding(Recomputation.Result result, Outcome drawn, Verdict verdict) {
        ObjectNode node = JSON.createObjectNode().put("why", verdict.why());
        ArrayNode checks = node.putArray("checks");
        result.checks().forEach(check -> write(check, checks.addObject()));
        write(new Check(CheckName.REPLAY, drawn), checks.addObject());
        return new String(CanonicalJson.bytes(node), StandardCharsets.UTF_8);
    }

    private static void write(Check check, ObjectNode node) {
        node.put("check", check.name().text())
                .put(
                        "outcome",
                        switch (check.outcome()) {
                            case Outcome.Agrees _ -> "agrees";
                            case Outcome.NearTies _ -> "near ties";
                            case Outcome.Disagrees _ -> "disagrees";
                            case Outcome.NotChecked _ -> "not checked";
                        })
                .put("detail", check.outcome().detail());
    }

    private static Kept require(Connection connection, Bytes32 id) throws SQLException {
        return find(connection, id).orElseThrow(() -> new NoSuchElementException("there is no dispute " + id));
    }

    private static Optional<Kept> find(Connection connection, Bytes32 id) throws SQLException {
        return Database.query(connection, "SELECT " + COLUMNS + " FROM dispute WHERE id = ?", Disputes::kept, id)
                .stream()
                .findFirst();
    }

    private static Kept kept(ResultSet row) throws SQLException {
        Dispute.State state = Dispute.State.ofCode(row.getInt("state"));
        byte[] prompt = row.getBytes("prompt_ids");
        byte[] output = row.getBytes("output_ids");
        AuditText text = prompt == null || output == null
                ? null
                : new AuditText("given text", TokenIds.ofBytes(prompt), TokenIds.ofBytes(output), null);
        Dispute.Resolution resolution = state == Dispute.State.OPEN
                ? null
                : new Dispute.Resolution(
                        state,
                        row.getString("resolved_by"),
                        row.getLong("resolved_at"),
                        row.getString("finding"),
                        word(row, "credit"),
                        word(row, "debit"));
        return new Kept(
                new Dispute(
                        Database.word(row, "id"),
                        row.getLong("seq"),
                        Database.word(row, "receipt"),
                        row.getString("reason"),
                        row.getString("opened_by"),
                        row.getLong("opened_at"),
                        text != null,
                        resolution),
                text);
    }

    private static @Nullable Bytes32 word(ResultSet row, String column) throws SQLException {
        byte[] bytes = row.getBytes(column);
        return bytes == null ? null : Bytes32.of(bytes);
    }
}
