package org.openlora.meter.accounting.reconciliation;

import java.math.BigInteger;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.payout.AnchoredStream;
import org.openlora.meter.payout.PayoutRound;

/// Holds payout rounds against the batches they pay: the document under its hash, the batches it counts, its sum.
final class PayoutChecks {
    private final Findings findings;
    private final List<StreamReconciliation> streams;

    @SuppressWarnings("ArrayRecordComponent") // a row on its way, never compared
    private record StoredRound(long number, Bytes32 dataHash, byte[] body, long plannedAtMillis) {}

    PayoutChecks(Findings findings, List<StreamReconciliation> streams) {
        this.findings = findings;
        this.streams = streams;
    }

    /// @return how many rounds there are
    long check(Connection connection) throws SQLException {
        List<StoredRound> rounds = Database.query(
                connection,
                "SELECT number, data_hash, body, planned_at FROM payout_round ORDER BY pool, number",
                row -> new StoredRound(
                        row.getLong("number"),
                        Database.word(row, "data_hash"),
                        row.getBytes("body"),
                        row.getLong("planned_at")));
        rounds.forEach(this::check);
        return rounds.size();
    }

    private void check(StoredRound stored) {
        Subject subject = Subject.payout(stored.number());
        Bytes32 hash = Keccak256.hash(stored.body());
        if (!hash.equals(stored.dataHash())) {
            findings.add(
                    BreakKind.PAYOUT_ALTERED,
                    subject,
                    "a document of keccak256 " + stored.dataHash(),
                    "one of " + hash,
                    stored.plannedAtMillis());
            return;
        }
        PayoutRound round;
        try {
            round = PayoutRound.fromJson(stored.body());
        } catch (IllegalArgumentException e) {
            findings.add(
                    BreakKind.PAYOUT_ALTERED,
                    subject,
                    "a round's document",
                    String.valueOf(e.getMessage()),
                    stored.plannedAtMillis());
            return;
        }
        Optional<BigInteger> owed = owed(round);
        if (owed.isPresent() && !owed.get().equals(round.netPico())) {
            findings.add(
                    BreakKind.PAYOUT_TOTALS_WRONG,
                    subject,
                    owed.get() + " pico-units over the batches that it counts",
                    round.netPico() + " pico-units",
                    stored.plannedAtMillis());
        }
    }

    /// Net of all batches that the round counts; empty where one of them is broken, which is named as such.
    private Optional<BigInteger> owed(PayoutRound round) {
        BigInteger owed = BigInteger.ZERO;
        for (AnchoredStream counted : round.streams()) {
            List<RebuiltBatch> batches = streams.stream()
                    .filter(stream -> stream.stream().equals(counted.stream()))
                    .flatMap(stream -> stream.rebuilt().stream())
                    .filter(batch -> batch.row().number() <= counted.batches())
                    .toList();
            if (batches.size() != counted.batches()) {
                return Optional.empty();
            }
            for (RebuiltBatch batch : batches) {
                if (batch.header().isEmpty()) {
                    return Optional.empty();
                }
                BatchHeader header = batch.header().get();
                owed = owed.add(header.gross()).subtract(header.creditTotal());
            }
        }
        return Optional.of(owed);
    }
}
