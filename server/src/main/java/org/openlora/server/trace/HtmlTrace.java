package org.openlora.server.trace;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// A trace as one page that loads nothing: text with marked passages, notes, and who is paid. Colours follow the
/// reader's choice of light or dark, and are never the only sign: each passage carries the numbers of its notes.
public final class HtmlTrace {
    private static final int HUES = 8;

    private final Trace trace;
    private final StringBuilder page = new StringBuilder(16_384);

    private HtmlTrace(Trace trace) {
        this.trace = trace;
    }

    /// The whole page.
    public static String page(Trace trace) {
        return new HtmlTrace(trace).write();
    }

    private String write() {
        page.append("""
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta name="color-scheme" content="light dark">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
                <title>Whose text is this? Receipt %d</title>
                <style>
                %s</style>
                </head>
                <body>
                <main>
                """.formatted(trace.seq(), STYLE));
        heading();
        answer();
        shares();
        notes();
        payments();
        page.append("</main>\n</body>\n</html>\n");
        return page.toString();
    }

    private void heading() {
        page.append("""
                <header>
                <p class="eyebrow">OpenLoRA trace</p>
                <h1>Whose text is this?</h1>
                <p class="lede">%s of %d tokens stand word for word in texts of %s. The answer cost <strong>%s</strong>.</p>
                </header>
                """.formatted(
                        percent(trace.evidenceTokens(), trace.tokens()),
                        trace.tokens(),
                        trace.notes().size() == 1
                                ? "one contributor"
                                : "%d contributors".formatted(trace.notes().size()),
                        escape(trace.price())));
    }

    private void answer() {
        page.append("<section aria-labelledby=\"answer\">\n<h2 id=\"answer\">The answer</h2>\n");
        String missing = trace.textMissing();
        if (missing == null) {
            page.append("<blockquote>");
            trace.pieces().forEach(this::piece);
            page.append("</blockquote>\n");
        } else {
            page.append("<p class=\"missing\">")
                    .append(escape(sentence(missing)))
                    .append("</p>\n<ol class=\"places\">\n");
            for (Trace.Piece piece : trace.pieces()) {
                page.append("<li>tokens %d to %d: ".formatted(piece.start(), piece.start() + piece.tokens() - 1));
                page.append(
                        switch (piece.kind()) {
                            case EVIDENCE -> "of " + references(piece.notes());
                            case PRIOR -> "by the adapters’ declared training mix";
                            case ECHO -> "repeat the prompt";
                        });
                page.append("</li>\n");
            }
            page.append("</ol>\n");
        }
        page.append("</section>\n");
    }

    private void piece(Trace.Piece piece) {
        String text = escape(piece.text());
        switch (piece.kind()) {
            case EVIDENCE ->
                page.append("<mark class=\"h%d\">%s</mark>%s"
                        .formatted(hue(piece.notes().getFirst()), text, references(piece.notes())));
            case PRIOR -> page.append(text);
            case ECHO -> page.append("<span class=\"echo\" title=\"repeats the prompt\">%s</span>".formatted(text));
        }
    }

    private static String references(List<Integer> notes) {
        return notes.stream()
                .map(note -> "<sup><a href=\"#note-%1$d\" aria-label=\"note %1$d\">%1$d</a></sup>".formatted(note))
                .collect(Collectors.joining());
    }

    /// How the contributors' part is divided over the whole answer.
    private void shares() {
        double evidence = trace.notes().stream().mapToDouble(Trace.Note::share).sum();
        page.append("<section aria-labelledby=\"shares\">\n<h2 id=\"shares\">Who it is attributed to</h2>\n");
        page.append("<div class=\"bar\" role=\"img\" aria-label=\"%s\">".formatted(escape(barLabel(evidence))));
        for (Trace.Note note : trace.notes()) {
            if (note.share() > 0) {
                page.append(String.format(
                        Locale.ROOT,
                        "<span class=\"h%d\" style=\"flex-grow:%.6f\">%d</span>",
                        hue(note.number()),
                        note.share(),
                        note.number()));
            }
        }
        if (evidence < 1) {
            page.append(
                    String.format(Locale.ROOT, "<span class=\"rest\" style=\"flex-grow:%.6f\"></span>", 1 - evidence));
        }
        page.append("</div>\n");
        page.append(String.format(
                Locale.ROOT,
                "<p class=\"small\">%s by evidence, %s by the adapters’ declared training mix, for all contributors of the"
                        + " datanets together. A passage counts from %d bits of surprise on; evidence decides %s of a"
                        + " token that one covers.</p>%n</section>%n",
                percent(evidence),
                percent(1 - evidence),
                trace.thresholdBits(),
                percent(trace.lambda())));
    }

    private String barLabel(double evidence) {
        return trace.notes().stream()
                        .map(note -> "%s %s".formatted(note.name(), percent(note.share())))
                        .collect(Collectors.joining(", ", "", ", "))
                + "declared training mix " + percent(1 - evidence);
    }

    private void notes() {
        if (trace.notes().isEmpty()) {
            return;
        }
        page.append("<section aria-labelledby=\"notes\">\n<h2 id=\"notes\">Notes</h2>\n<ol class=\"notes\">\n");
        trace.notes().forEach(this::note);
        page.append("</ol>\n</section>\n");
    }

    private void note(Trace.Note note) {
        page.append("""
                <li id="note-%1$d" class="h%2$d">
                <h3><bdi>%3$s</bdi></h3>
                <p><bdi>%4$s</bdi> <span class="small">(<bdi>%5$s</bdi>, %6$s)</span></p>
                <dl>
                <div><dt>of the answer</dt><dd>%7$s</dd></div>
                <div><dt>paid</dt><dd>%8$s</dd></div>
                </dl>
                """.formatted(
                        note.number(),
                        hue(note.number()),
                        escape(note.name()),
                        escape(note.datanetTitle()),
                        escape(note.datanet()),
                        escape(note.licence()),
                        percent(note.share()),
                        escape(note.paid())));
        for (Trace.Passage passage : note.passages()) {
            page.append(String.format(
                    Locale.ROOT,
                    "<details><summary>%d tokens from %d on, %.0f bits, row %d%s</summary>",
                    passage.tokens(),
                    passage.start(),
                    passage.bits(),
                    passage.row(),
                    passage.rows() == 1 ? "" : ", one of %d rows that hold it".formatted(passage.rows())));
            String row = passage.rowText();
            page.append("<p class=\"row\">%s</p></details>%n"
                    .formatted(escape(row == null ? "The datanet is not registered here." : row)));
        }
        page.append("</li>\n");
    }

    private void payments() {
        page.append("""
                <section aria-labelledby="payments">
                <h2 id="payments">What everybody is paid</h2>
                <div class="scroll"><table>
                <thead><tr><th scope="col">Role</th><th scope="col">For</th><th scope="col">Account</th>\
                <th scope="col" class="number">Amount</th><th scope="col" class="number">Share</th></tr></thead>
                <tbody>
                """);
        for (Trace.Payee payee : trace.payments()) {
            page.append(
                    "<tr><th scope=\"row\">%s</th><td><bdi>%s</bdi></td><td><code>%s</code></td><td class=\"number\">%s</td>"
                                    .formatted(
                                            escape(payee.role()),
                                            escape(payee.what()),
                                            escape(payee.address()),
                                            escape(payee.amount()))
                            + "<td class=\"number\">%s</td></tr>%n".formatted(percent(payee.share())));
        }
        page.append("""
                </tbody></table></div>
                </section>
                <footer class="small">
                <dl>
                <div><dt>request</dt><dd><code>%s</code></dd></div>
                <div><dt>receipt</dt><dd>%d, served %s</dd></div>
                <div><dt>base</dt><dd><code>%s</code></dd></div>
                <div><dt>adapters</dt><dd>%s</dd></div>
                <div><dt>scorer</dt><dd><code>%s</code></dd></div>
                </dl>
                </footer>
                """.formatted(
                        escape(trace.requestId()),
                        trace.seq(),
                        escape(trace.servedAt()),
                        escape(trace.baseDigest()),
                        trace.adapters().isEmpty()
                                ? "none"
                                : trace.adapters().stream()
                                        .map(digest -> "<code>%s</code>".formatted(escape(digest)))
                                        .collect(Collectors.joining(" ")),
                        escape(trace.scorer())));
    }

    private static int hue(int number) {
        return (number - 1) % HUES;
    }

    private static String percent(int part, int whole) {
        return percent(whole == 0 ? 0 : part / (double) whole);
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f\u202f%%", 100 * share);
    }

    private static String sentence(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".";
    }

    /// Names, rows and answers come from others. Control characters have no place in a page.
    static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                case '\n', '\t' -> out.append(c);
                default -> out.append(Character.isISOControl(c) ? '\ufffd' : c);
            }
        }
        return out.toString();
    }

    private static final String STYLE = """
            :root {
              --ground: #fbfaf7; --ink: #1d1c1a; --faint: #66635d; --line: #dedad2; --card: #ffffff;
              --h0: #0b6bcb; --h1: #a8460b; --h2: #0a7a4b; --h3: #8a3ffc; --h4: #b01657; --h5: #6b6100; --h6: #00737d; --h7: #5a4a9c;
            }
            @media (prefers-color-scheme: dark) {
              :root {
                --ground: #16171a; --ink: #eceae6; --faint: #a5a199; --line: #34363b; --card: #1e2024;
                --h0: #6fb3ff; --h1: #ffa05c; --h2: #5fd3a0; --h3: #c39bff; --h4: #ff8db8; --h5: #d8c94a; --h6: #5fd0da; --h7: #b3a4f5;
              }
            }
            * { box-sizing: border-box; }
            body {
              margin: 0; background: var(--ground); color: var(--ink);
              font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
            }
            main { max-width: 46rem; margin: 0 auto; padding: 3rem 1.25rem 4rem; }
            h1, h2, h3 { line-height: 1.2; text-wrap: balance; }
            h1 { font-size: clamp(1.9rem, 5vw, 2.6rem); margin: 0 0 .75rem; letter-spacing: -.02em; }
            h2 { font-size: 1.15rem; margin: 2.75rem 0 .9rem; }
            h3 { font-size: 1.05rem; margin: 0; }
            p { margin: 0 0 .75rem; }
            .eyebrow { color: var(--faint); font-size: .8rem; letter-spacing: .08em; text-transform: uppercase; margin-bottom: .5rem; }
            .lede { font-size: 1.1rem; color: var(--faint); max-width: 38rem; }
            .lede strong { color: var(--ink); }
            .small { color: var(--faint); font-size: .875rem; }
            blockquote {
              margin: 0; padding: 1.5rem 1.6rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
              font: 1.2rem/1.85 "Iowan Old Style", "Palatino Linotype", Palatino, Georgia, serif;
              white-space: pre-wrap; overflow-wrap: anywhere;
            }
            .h0 { --hue: var(--h0); } .h1 { --hue: var(--h1); } .h2 { --hue: var(--h2); } .h3 { --hue: var(--h3); }
            .h4 { --hue: var(--h4); } .h5 { --hue: var(--h5); } .h6 { --hue: var(--h6); } .h7 { --hue: var(--h7); }
            mark {
              color: inherit; background: color-mix(in srgb, var(--hue) 16%, transparent);
              box-decoration-break: clone; -webkit-box-decoration-break: clone;
              border-bottom: 2px solid var(--hue); border-radius: .2rem .2rem 0 0; padding: .05em .1em;
            }
            .echo { color: var(--faint); border-bottom: 2px dotted var(--line); }
            sup { font: 600 .65rem/0 system-ui, sans-serif; margin-left: .15em; }
            a { color: inherit; text-underline-offset: .15em; }
            a:focus-visible, summary:focus-visible { outline: 2px solid var(--ink); outline-offset: 2px; border-radius: .2rem; }
            .bar { display: flex; gap: 2px; height: 2rem; border-radius: .4rem; overflow: hidden; margin-bottom: .75rem; }
            .bar span {
              flex: 0 1 0; min-width: 1.2rem; background: var(--hue, var(--line)); color: var(--ground);
              font-weight: 600; font-size: .8rem; display: grid; place-items: center;
            }
            .bar .rest { background: repeating-linear-gradient(135deg, var(--line) 0 6px, transparent 6px 12px); }
            .notes { list-style: none; counter-reset: note; padding: 0; margin: 0; display: grid; gap: .9rem; }
            .notes li {
              counter-increment: note; position: relative; padding: 1rem 1.2rem 1rem 3.4rem; background: var(--card);
              border: 1px solid var(--line); border-left: 4px solid var(--hue); border-radius: .6rem;
            }
            .notes li::before {
              content: counter(note); position: absolute; left: 1.1rem; top: .95rem; font-weight: 700; font-size: 1.15rem;
              color: var(--hue);
            }
            .notes li:target { outline: 2px solid var(--hue); outline-offset: 2px; }
            dl { display: flex; flex-wrap: wrap; gap: .3rem 1.75rem; margin: 0 0 .4rem; }
            dt { color: var(--faint); font-size: .8rem; }
            dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
            summary { cursor: pointer; color: var(--faint); font-size: .9rem; }
            .row { margin: .5rem 0 .5rem; padding-left: .9rem; border-left: 2px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
            .scroll { overflow-x: auto; }
            table { border-collapse: collapse; width: 100%; font-size: .9rem; }
            th, td { text-align: left; padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
            thead th { color: var(--faint); font-size: .8rem; }
            tbody th { font-weight: 600; white-space: nowrap; }
            .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
            code { font: .85em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
            .missing { color: var(--faint); }
            footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1rem; }
            footer dl { display: block; }
            @media print { body { background: none; } blockquote, .notes li { break-inside: avoid; } }
            """;
}
