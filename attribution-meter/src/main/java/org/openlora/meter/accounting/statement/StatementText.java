package org.openlora.meter.accounting.statement;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// A statement for a terminal.
final class StatementText {
    /// `sha256:` and twelve digits: enough to tell digests apart.
    private static final int DIGEST_CHARACTERS = 19;

    private StatementText() {}

    static String of(StatementPage page) {
        StringBuilder text = new StringBuilder(page.title()).append("\n\n");
        for (Map.Entry<String, String> fact : page.facts()) {
            text.append("%-10s %s%n".formatted(fact.getKey(), fact.getValue()));
        }
        text.append('\n');
        table(page, text);
        text.append('\n');
        int name = page.sums().stream()
                .mapToInt(sum -> sum.getKey().length())
                .max()
                .orElse(0);
        int value = page.sums().stream()
                .mapToInt(sum -> sum.getValue().length())
                .max()
                .orElse(0);
        for (Map.Entry<String, String> sum : page.sums()) {
            text.append(("%-" + name + "s  %" + value + "s%n").formatted(sum.getKey(), sum.getValue()));
        }
        text.append('\n');
        page.notes().forEach(note -> text.append(note).append('\n'));
        return text.toString();
    }

    private static void table(StatementPage page, StringBuilder text) {
        List<List<String>> rows = new ArrayList<>();
        rows.add(page.headings());
        page.rows()
                .forEach(row ->
                        rows.add(row.stream().map(StatementText::shortened).toList()));
        int texts = page.headings().size() - StatementPage.NUMBERS;
        for (List<String> row : rows) {
            List<String> cells = new ArrayList<>();
            for (int column = 0; column < row.size(); column++) {
                int width = width(rows, column);
                String cell = row.get(column).isEmpty() ? "-" : row.get(column);
                cells.add(((column < texts ? "%-" : "%") + width + "s").formatted(cell));
            }
            text.append(String.join("  ", cells)).append('\n');
        }
    }

    private static int width(List<List<String>> rows, int column) {
        return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(1);
    }

    private static String shortened(String cell) {
        return cell.startsWith("sha256:") && cell.length() > DIGEST_CHARACTERS
                ? cell.substring(0, DIGEST_CHARACTERS)
                : cell;
    }
}
