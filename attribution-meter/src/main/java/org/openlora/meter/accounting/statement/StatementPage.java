package org.openlora.meter.accounting.statement;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openlora.meter.accounting.statement.Statement.Party;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.exact.Pico;

/// A statement laid out for people: a title, facts, a table, sums. Text and HTML show the same page.
///
/// @param facts name and value, from the top
/// @param headings of the table; the last five are numbers
/// @param rows of the table
/// @param sums name and value, below the table
/// @param notes small print
record StatementPage(
        String title,
        List<Map.Entry<String, String>> facts,
        List<String> headings,
        List<List<String>> rows,
        List<Map.Entry<String, String>> sums,
        List<String> notes) {
    static final int NUMBERS = 5;

    static StatementPage of(Statement statement) {
        List<Map.Entry<String, String>> facts = new ArrayList<>();
        switch (statement.of()) {
            case Party.Payee payee ->
                facts.add(Map.entry("Payee", payee.address().toString()));
            case Party.Tenant tenant -> {
                tenant.name().ifPresent(name -> facts.add(Map.entry("Tenant", name)));
                facts.add(Map.entry("Account", tenant.account().toString()));
            }
        }
        facts.add(Map.entry(
                "Period",
                statement.period() + ", " + statement.period().start() + " to "
                        + statement.period().end()));
        facts.add(Map.entry("State", statement.provisional() ? "provisional: a period behind it is open" : "closed"));
        facts.add(Map.entry("Receipts", Long.toString(statement.receipts())));
        facts.add(Map.entry("Statement", Sha256.text(statement.hash())));

        List<String> headings = new ArrayList<>(headings(statement.of()));
        headings.addAll(List.of(countHeading(statement.of()), "gross", "credits", "adjustments", "net"));
        return new StatementPage(
                title(statement.of()) + " " + statement.period(),
                facts,
                headings,
                statement.lines().stream().map(StatementPage::row).toList(),
                sums(statement),
                List.of(
                        "Amounts are in " + statement.currency() + ", exact to 10⁻¹² of one.",
                        "Adjustments are receipts that came after their own month was closed.",
                        "Every receipt is signed and stands in a batch that is anchored on a chain: check one with"
                                + " openlora receipts verify."));
    }

    private static String title(Party of) {
        return switch (of) {
            case Party.Payee _ -> "Statement of earnings";
            case Party.Tenant _ -> "Statement of charges";
        };
    }

    /// What the lines of a statement are told apart by.
    static List<String> headings(Party of) {
        return switch (of) {
            case Party.Payee _ -> List.of("role", "datanet", "adapter");
            case Party.Tenant _ -> List.of("charge", "resource");
        };
    }

    static String countHeading(Party of) {
        return switch (of) {
            case Party.Payee _ -> "payments";
            case Party.Tenant _ -> "quantity";
        };
    }

    private static List<String> row(StatementLine line) {
        List<String> row = new ArrayList<>(line.what());
        row.add(Long.toString(line.count()));
        row.add(Pico.text(line.grossPico()));
        row.add(Pico.text(line.creditPico()));
        row.add(Pico.text(line.adjustmentPico()));
        row.add(Pico.text(line.netPico()));
        return row;
    }

    private static List<Map.Entry<String, String>> sums(Statement statement) {
        List<Map.Entry<String, String>> sums = new ArrayList<>();
        sums.add(Map.entry("Gross", Pico.text(statement.grossPico())));
        sums.add(Map.entry("Credits", Pico.text(statement.creditPico())));
        sums.add(Map.entry("Adjustments", Pico.text(statement.adjustmentPico())));
        sums.add(Map.entry("Net", Pico.text(statement.netPico())));
        statement.payout().ifPresent(payout -> {
            sums.add(Map.entry(
                    "Payable by round " + payout.round(),
                    payout.token().text(payout.entry().cumulativeUnits())));
            payout.claimedUnits()
                    .ifPresent(units ->
                            sums.add(Map.entry("Claimed", payout.token().text(units))));
            payout.claimableUnits()
                    .ifPresent(units ->
                            sums.add(Map.entry("Claimable", payout.token().text(units))));
            sums.add(Map.entry("Carried to the next round", Pico.text(payout.carriedPico())));
        });
        return sums;
    }
}
