package org.openlora.server.quickstart;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.Source;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;

/// Names for the digests and hashes that receipts hold.
final class People {
    private final DatanetRegistry datanets;
    private final Map<Bytes32, String> adapters;
    private final Map<Bytes32, String> contributors = new HashMap<>();

    /// @param adapters names by digest
    People(DatanetRegistry datanets, Map<Bytes32, String> adapters) {
        this.datanets = datanets;
        this.adapters = Map.copyOf(adapters);
        for (Datanet datanet : datanets.all()) {
            for (Contributor contributor : datanet.contributors()) {
                contributors.put(contributor.hash(), "%s (%s)".formatted(contributor.name(), datanet.id()));
            }
        }
    }

    /// Who wrote the rows that a span stands in.
    List<String> writers(AttributionRecord record, AttributionRecord.AttributedSpan span) {
        return span.sources().stream()
                .map(source -> writer(record, source))
                .distinct()
                .toList();
    }

    private String writer(AttributionRecord record, Source source) {
        Bytes32 digest = record.datanets().get(source.datanet()).digest();
        return datanets.find(digest)
                .map(datanet -> {
                    int contributor = datanet.rows().get(source.row()).contributor();
                    return "%s (%s)".formatted(datanet.contributors().get(contributor).name(), datanet.id());
                })
                .orElse(Sha256.text(digest));
    }

    /// Who gets a payment, and for what.
    String payee(Payment payment) {
        return switch (payment.role()) {
            case BASE_OWNER -> "owner of the base model";
            case ADAPTER_OWNER ->
                "owner of adapter " + adapters.getOrDefault(payment.source(), Sha256.text(payment.source()));
            case OPERATOR -> "operator of this server";
            case PLATFORM -> "platform";
            case CONTRIBUTOR -> contributors.getOrDefault(payment.source(), "contributor " + payment.source());
            case DATANET_POOL ->
                "pool of datanet "
                        + datanets.find(payment.source()).map(Datanet::id).orElse(Sha256.text(payment.source()));
            case TREASURY -> "treasury (what belongs to no one known)";
        };
    }
}
