package org.openlora.meter.accounting.statement;

import java.util.List;
import java.util.Map;

/// A statement as one HTML file without references to others, laid out for A4.
final class StatementHtml {
    private StatementHtml() {}

    private static String head(String title) {
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>%s</title>
            <style>
            @page { size: A4 landscape; margin: 15mm }
            body { font: 10pt/1.4 system-ui, sans-serif; color: #111; max-width: 267mm; margin: 10mm auto }
            h1 { font-size: 16pt; margin: 0 0 6mm }
            dl { display: grid; grid-template-columns: max-content 1fr; gap: 1mm 6mm; margin: 0 0 6mm }
            dt { color: #555 } dd { margin: 0; overflow-wrap: anywhere }
            table { border-collapse: collapse; width: 100%% }
            th, td { padding: 1mm 2mm; border-bottom: 0.2mm solid #bbb; text-align: left; vertical-align: top;
              overflow-wrap: anywhere }
            thead { display: table-header-group } tr { break-inside: avoid }
            .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
            tfoot td { font-weight: 600 } footer { color: #555; margin-top: 8mm; font-size: 8pt }
            </style>
            </head>
            <body>
            <h1>%s</h1>
            """.formatted(title, title);
    }

    static String of(StatementPage page) {
        StringBuilder html = new StringBuilder(head(escaped(page.title())));
        html.append("<dl>\n");
        for (Map.Entry<String, String> fact : page.facts()) {
            html.append("<dt>").append(escaped(fact.getKey())).append("</dt><dd>");
            html.append(escaped(fact.getValue())).append("</dd>\n");
        }
        html.append("</dl>\n<table>\n<thead>");
        int texts = page.headings().size() - StatementPage.NUMBERS;
        row(html, page.headings(), texts, "th");
        html.append("</thead>\n<tbody>\n");
        page.rows().forEach(row -> row(html, row, texts, "td"));
        html.append("</tbody>\n</table>\n<table>\n<tfoot>\n");
        page.sums().forEach(sum -> row(html, List.of(sum.getKey(), sum.getValue()), 1, "td"));
        html.append("</tfoot>\n</table>\n<footer>\n");
        page.notes().forEach(note -> html.append("<p>").append(escaped(note)).append("</p>\n"));
        return html.append("</footer>\n</body>\n</html>\n").toString();
    }

    private static void row(StringBuilder html, List<String> cells, int texts, String tag) {
        html.append("<tr>");
        for (int i = 0; i < cells.size(); i++) {
            html.append('<').append(tag).append(i < texts ? ">" : " class=\"n\">");
            html.append(escaped(cells.get(i))).append("</").append(tag).append('>');
        }
        html.append("</tr>\n");
    }

    static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
