package org.openlora.server.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.openlora.meter.audit.AuditReport;
import org.openlora.meter.audit.AuditReport.Count;
import org.openlora.meter.audit.AuditReport.Finding;

/// An audit's report as JSON (docs/audit.md).
public final class AuditReportJson {
    private static final JsonMapper JSON = new JsonMapper();

    private AuditReportJson() {}

    public static String of(AuditReport report) {
        ObjectNode node = JSON.createObjectNode()
                .put("agrees", report.agrees())
                .put("seed", Long.toString(report.seed()))
                .put("audited", report.receipts().size())
                .put("candidates", report.candidates());
        ObjectNode checks = node.putObject("checks");
        for (Count count : report.counts()) {
            checks.putObject(count.check().text())
                    .put("agrees", count.agrees())
                    .put("nearTies", count.nearTies())
                    .put("disagrees", count.disagrees())
                    .put("notChecked", count.notChecked());
        }
        write(report.disagreements(), node.putArray("disagreements"));
        write(report.nearTies(), node.putArray("nearTies"));
        write(report.notChecked(), node.putArray("notChecked"));
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("an audit's report cannot be written", e);
        }
    }

    private static void write(List<Finding> findings, ArrayNode array) {
        for (Finding finding : findings) {
            array.addObject()
                    .put("seq", Long.toString(finding.seq()))
                    .put("requestId", finding.requestId().toString())
                    .put("check", finding.check().text())
                    .put("detail", finding.detail());
        }
    }
}
