package org.openlora.meter.accounting.reconciliation;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import org.openlora.meter.document.CanonicalJson;

/// A reconciliation's report as canonical JSON.
final class ReconciliationJson {
    private static final JsonMapper JSON = new JsonMapper();

    private ReconciliationJson() {}

    static String text(ReconciliationReport report) {
        ObjectNode node = JSON.createObjectNode()
                .put("atMillis", report.atMillis())
                .put("clean", report.isClean())
                .put("breakCount", report.breakCount());
        report.chainUnchecked().ifPresent(why -> node.put("chainUnchecked", why));
        node.putObject("scope")
                .put("receipts", report.scope().receipts())
                .put("payments", report.scope().payments())
                .put("batches", report.scope().batches())
                .put("batchesOnChain", report.scope().batchesOnChain())
                .put("events", report.scope().events())
                .put("payoutRounds", report.scope().payoutRounds())
                .put("grossPico", report.scope().grossPico().toString())
                .put("creditPico", report.scope().creditPico().toString());
        node.putObject("pending")
                .put("usage", report.pending().usage())
                .put("receipts", report.pending().receipts())
                .put("batches", report.pending().batches());
        ArrayNode breaks = node.putArray("breaks");
        for (Break item : report.breaks()) {
            ObjectNode line = breaks.addObject()
                    .put("kind", item.kind().label())
                    .put("subject", item.subject().toString())
                    .put("expected", item.expected())
                    .put("found", item.found())
                    .put("remedy", item.kind().remedy());
            item.subject().stream().ifPresent(stream -> line.put("stream", stream.toString()));
            item.subject().seq().ifPresent(seq -> line.put("seq", seq));
            item.subject().batch().ifPresent(batch -> line.put("batch", batch));
            item.subject().requestId().ifPresent(id -> line.put("requestId", id.toString()));
            item.sinceMillis().ifPresent(since -> line.put("sinceMillis", since));
        }
        return new String(CanonicalJson.bytes(node), StandardCharsets.UTF_8);
    }
}
