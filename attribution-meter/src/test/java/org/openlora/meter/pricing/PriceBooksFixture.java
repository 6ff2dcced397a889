package org.openlora.meter.pricing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Price books that differ from the shipped one in name and fixed fee.
final class PriceBooksFixture {
    private static final Path FILE = Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml");

    private PriceBooksFixture() {}

    static PriceBook book(String name, long fixedPico) {
        return book(name, fixedPico, "2026-01-01T00:00:00Z");
    }

    static PriceBook book(String name, long fixedPico, String effectiveFrom) {
        try {
            String text = Files.readString(FILE);
            return PriceBook.parse(
                    name,
                    text.replace("name: openlora-development", "name: " + name)
                            .replace("fixedPico: 1000000", "fixedPico: " + fixedPico)
                            .replace("2026-01-01T00:00:00Z", effectiveFrom));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
