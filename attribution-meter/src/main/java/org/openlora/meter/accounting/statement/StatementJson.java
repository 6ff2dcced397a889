package org.openlora.meter.accounting.statement;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import org.openlora.meter.accounting.statement.Statement.Party;
import org.openlora.meter.document.CanonicalJson;

/// A statement as canonical JSON.
final class StatementJson {
    private static final JsonMapper JSON = new JsonMapper();

    private StatementJson() {}

    static byte[] bytes(Statement statement) {
        ObjectNode node = JSON.createObjectNode()
                .put("period", statement.period().toString())
                .put("provisional", statement.provisional())
                .put("currency", statement.currency())
                .put("receipts", statement.receipts())
                .put("grossPico", statement.grossPico().toString())
                .put("creditPico", statement.creditPico().toString())
                .put("adjustmentPico", statement.adjustmentPico().toString())
                .put("netPico", statement.netPico().toString());
        switch (statement.of()) {
            case Party.Payee payee -> node.put("payee", payee.address().toString());
            case Party.Tenant tenant -> {
                node.put("account", tenant.account().toString());
                tenant.name().ifPresent(name -> node.put("tenant", name));
            }
        }
        List<String> headings = StatementPage.headings(statement.of());
        ArrayNode lines = node.putArray("lines");
        for (StatementLine line : statement.lines()) {
            ObjectNode item = lines.addObject();
            for (int i = 0; i < headings.size(); i++) {
                if (!line.what().get(i).isEmpty()) {
                    item.put(headings.get(i), line.what().get(i));
                }
            }
            item.put(StatementPage.countHeading(statement.of()), line.count())
                    .put("grossPico", line.grossPico().toString())
                    .put("creditPico", line.creditPico().toString())
                    .put("adjustmentPico", line.adjustmentPico().toString())
                    .put("netPico", line.netPico().toString());
        }
        statement.payout().ifPresent(payout -> {
            ObjectNode position = node.putObject("payout")
                    .put("round", payout.round())
                    .put("token", payout.token().symbol())
                    .put("cumulativeUnits", payout.entry().cumulativeUnits().toString())
                    .put("carriedPico", payout.carriedPico().toString());
            payout.claimedUnits().ifPresent(units -> position.put("claimedUnits", units.toString()));
            payout.claimableUnits().ifPresent(units -> position.put("claimableUnits", units.toString()));
        });
        return CanonicalJson.bytes(node);
    }
}
