package org.openlora.meter.pricing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evidence.Fixtures;

class PriceBookTest {
    private static final Path FILE = Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml");

    @Test
    void read_shippedBook_holds() throws IOException {
        PriceBook book = PriceBook.read(FILE);
        assertThat(book.rules().lambdaPpm()).isEqualTo(700_000);
        assertThat(book.currency()).isEqualTo("USDC");
        assertThat(PriceBook.parse("again", book.json()).digest()).isEqualTo(book.digest());
        assertThat(PriceBook.parse("again", book.json())).isEqualTo(book);
    }

    @Test
    void digest_commentsAndLayout_doNotMatter() throws IOException {
        String text = Files.readString(FILE);
        PriceBook book = PriceBook.parse("a", text);
        assertThat(PriceBook.parse("b", "# another remark\n" + text).digest()).isEqualTo(book.digest());
        assertThat(PriceBook.parse("b", text.replace("promptPico: 50000000 ", "promptPico: 50000001 "))
                        .digest())
                .isNotEqualTo(book.digest());
    }

    @Test
    void ratesOf_overrides_adapterWinsOverBaseAndTheDearestCounts() throws IOException {
        String text = Files.readString(FILE)
                .replace(
                        "  bases: []",
                        "  bases: [{base: \"sha256:" + hex("base")
                                + "\", promptPico: 7, cachedPico: 7, generatedPico: 7}]")
                .replace(
                        "  adapters: []",
                        "  adapters: [{adapter: \"sha256:" + hex("a")
                                + "\", promptPico: 9, cachedPico: 1, generatedPico: 8}]");
        PriceBook book = PriceBook.parse("a", text);
        assertThat(book.ratesOf(Fixtures.word("base"), List.of())).isEqualTo(new Rates(7, 7, 7));
        assertThat(book.ratesOf(Fixtures.word("base"), List.of(Fixtures.adapter("a", 1))))
                .isEqualTo(new Rates(9, 1, 8));
        assertThat(book.ratesOf(Fixtures.word("base"), List.of(Fixtures.adapter("a", 1), Fixtures.adapter("b", 1))))
                .isEqualTo(new Rates(9, 7, 8));
        assertThat(book.ratesOf(Fixtures.word("other"), List.of())).isEqualTo(book.defaultRates());
    }

    @Test
    void parse_badFields_areNamed() throws IOException {
        assertRefused(
                "operatorBps: 2500", "operatorBps: 2400", "field 'split' must sum to 10000 basis points, not 9900");
        assertRefused("version: 1 ", "version: 2 ", "field 'version' must be an integer from 1 to 1, found 2");
        assertRefused(
                "promptPico: 50000000", "promptPico: -1", "field 'rates.default.promptPico' must be an integer from 0");
        assertRefused("promptPico: 50000000", "promptPico: 1.5", "field 'rates.default.promptPico' must be an integer");
        assertRefused("2026-01-01T00:00:00Z", "yesterday", "field 'effectiveFrom': must be a time such as");
        assertRefused(
                "lambdaPpm: 700000",
                "lambdaPpm: 1000001",
                "field 'attribution.lambdaPpm' must be an integer from 0 to 1000000");
        assertRefused(
                "treasury: \"0x90F79bf6EB2c4f870365E785982E1f101E93b906\"",
                "treasury: \"0x0000000000000000000000000000000000000000\"",
                "field 'payees.treasury' must not be the zero address");
        assertRefused("currency: USDC ", "currency: USDC\nmargin: 3 ", "field 'margin' is not a known field");
    }

    private static void assertRefused(String from, String to, String message) throws IOException {
        String text = Files.readString(FILE);
        assertThat(text).contains(from);
        assertThatThrownBy(() -> PriceBook.parse("pricebook.yaml", text.replace(from, to)))
                .hasMessageStartingWith("pricebook.yaml: line ")
                .hasMessageContaining(message);
    }

    private static String hex(String text) {
        return Fixtures.word(text).toString().substring(2);
    }
}
