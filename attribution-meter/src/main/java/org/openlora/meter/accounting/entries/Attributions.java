package org.openlora.meter.accounting.entries;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;

/// Whose datanet a payment is for, from the receipts' per-token records. A contributor's hash belongs to one
/// datanet, so what one receipt says of it holds for all. Used by one thread.
public final class Attributions {
    private final Database database;
    private final Map<Bytes32, Bytes32> datanetOfContributor = new HashMap<>();

    public Attributions(Database database) {
        this.database = database;
    }

    /// The datanets of a receipt's lineage; empty for a correction, which has no record of its own.
    public List<Bytes32> datanets(Receipt receipt) {
        return record(receipt)
                .map(record -> record.datanets().stream()
                        .map(AttributionRecord.DatanetUse::digest)
                        .toList())
                .orElse(List.of());
    }

    /// The datanet that a payment is for: its contributor's, or its pool's. Empty for other roles, and for a
    /// contributor that no record names.
    public Optional<Bytes32> datanet(Receipt receipt, Payment payment) {
        if (payment.role() == Role.DATANET_POOL) {
            return Optional.of(payment.source());
        }
        if (payment.role() != Role.CONTRIBUTOR) {
            return Optional.empty();
        }
        if (!datanetOfContributor.containsKey(payment.source())) {
            record(receipt).ifPresent(this::learn);
        }
        return Optional.ofNullable(datanetOfContributor.get(payment.source()));
    }

    private void learn(AttributionRecord record) {
        for (Target target : record.targets()) {
            if (target.kind() == Target.Kind.CONTRIBUTOR) {
                datanetOfContributor.put(
                        target.contributor(),
                        record.datanets().get(target.datanet()).digest());
            }
        }
    }

    private Optional<AttributionRecord> record(Receipt receipt) {
        return database
                .query(
                        "SELECT attribution FROM receipt WHERE stream = ? AND seq = ?",
                        row -> row.getBytes("attribution"),
                        receipt.stream(),
                        receipt.seq())
                .stream()
                .filter(bytes -> bytes.length > 0)
                .map(AttributionRecord::ofBytes)
                .findFirst();
    }
}
