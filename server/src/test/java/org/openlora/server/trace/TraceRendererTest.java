package org.openlora.server.trace;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

/// How a trace looks, also where those whose words it shows mean harm.
class TraceRendererTest {
    private static final String HOSTILE = "</blockquote><script>alert('x')</script> \u001b[31m & \"q\"";

    @Test
    void page_hostileTextAndNames_areShownAndDoNothing() {
        String page = HtmlTrace.page(trace(HOSTILE, null));
        assertThat(page)
                .doesNotContain("<script")
                .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;")
                .contains("Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"");
    }

    @Test
    void page_loadsNothingAndIsWellFormed() throws Exception {
        for (Trace trace : List.of(trace("over the sea", null), trace("", "the ledger keeps no text"))) {
            String page = HtmlTrace.page(trace);
            assertThat(page)
                    .doesNotContain("http://")
                    .doesNotContain("https://")
                    .doesNotContain("url(")
                    .doesNotContain("@import");
            // Void elements closed, it is XML: every element ends, every attribute is quoted.
            String xml = page.replace("<!doctype html>", "").replaceAll("<(meta [^>]*)>", "<$1/>");
            Document document = DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(new InputSource(new StringReader(xml)));
            assertThat(document.getElementsByTagName("h1").getLength()).isEqualTo(1);
            assertThat(document.getElementsByTagName("mark").getLength())
                    .isEqualTo(trace.textMissing() == null ? 1 : 0);
        }
    }

    @Test
    void page_everyReferenceHasItsNote() {
        String page = HtmlTrace.page(trace("over the sea", null));
        assertThat(page).contains("href=\"#note-1\"").contains("<li id=\"note-1\"");
    }

    @Test
    void terminal_noTerminal_hasNumbersAndNoEscapes() {
        String shown = shown(trace(HOSTILE, null), false);
        assertThat(shown)
                .doesNotContain("\u001b")
                .contains("[1] " + HOSTILE.replace("\u001b", ""))
                .contains("3 of 5 tokens by evidence, 1 repeat the prompt")
                .contains("42.0 % of the answer, paid 0.00000125");
    }

    @Test
    void terminal_escapesOfOthers_areNotPassedOn() {
        assertThat(shown(trace(HOSTILE, null), true)).contains("\u001b[1m").doesNotContain("\u001b[31m &");
    }

    @Test
    void terminal_withoutText_saysWhereTokensBelongAndHowToSeeThem() {
        assertThat(shown(trace("", "give it with --text"), false))
                .contains("(give it with --text)")
                .contains("tokens 1 to 3: [1]")
                .contains("tokens 0 to 0: by the adapters' declared training mix");
    }

    private static String shown(Trace trace, boolean coloured) {
        StringWriter text = new StringWriter();
        new TerminalTrace(new PrintWriter(text), coloured).write(trace);
        return text.toString();
    }

    private static Trace trace(String text, @Nullable String missing) {
        return new Trace(
                "0x01",
                7,
                "2026-01-01T00:00:00Z",
                "sha256:01",
                List.of("sha256:02"),
                "sha256:03",
                "0.00001",
                0.7,
                40,
                5,
                3,
                1,
                missing,
                List.of(
                        new Trace.Piece(Trace.Kind.PRIOR, 0, 1, missing == null ? "Go " : "", List.of()),
                        new Trace.Piece(Trace.Kind.EVIDENCE, 1, 3, text, List.of(1)),
                        new Trace.Piece(Trace.Kind.ECHO, 4, 1, missing == null ? " now" : "", List.of())),
                List.of(new Trace.Note(
                        1,
                        HOSTILE,
                        "0x04",
                        "sea-lore",
                        "Sea <lore>",
                        "CC0-1.0",
                        0.42,
                        "0.00000125",
                        List.of(new Trace.Passage(1, 3, 44.5, 12, 2, "He went over the sea & back.")))),
                List.of(new Trace.Payee("contributor", "passages of the answer", "0x05", "0.00000125", 0.125)));
    }
}
