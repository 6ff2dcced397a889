package org.openlora.meter.redteam;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/// The measured gains, as `target/red-team.md`.
final class GainTable {
    private static final Path FILE = Path.of("target", "red-team.md");
    private static final int DIGITS = 6;

    private final Map<String, String> lines = new TreeMap<>();

    /// @param first under version 1
    /// @param current under today's version
    void add(String attack, Gain first, Gain current) {
        lines.put(
                attack,
                "| %s | %s | %s | %s |".formatted(attack, first.evidence(), current.evidence(), current.pico()));
    }

    /// Attacked over honest income, in evidence and in money.
    record Gain(Market.Income honest, Market.Income attacked) {
        String evidence() {
            return ratio(attacked.evidencePpm(), honest.evidencePpm());
        }

        String pico() {
            return ratio(attacked.pico(), honest.pico());
        }

        private static String ratio(BigInteger attacked, BigInteger honest) {
            if (honest.signum() == 0) {
                return attacked.signum() == 0 ? "nothing" : "all of it: honest 0";
            }
            return new BigDecimal(attacked)
                    .divide(new BigDecimal(honest), DIGITS, RoundingMode.HALF_EVEN)
                    .toPlainString();
        }
    }

    void write() {
        StringBuilder text =
                new StringBuilder("| attack | gain, scorer 1 | gain, scorer 2 | in pico-units |\n|---|---|---|---|\n");
        lines.values().forEach(line -> text.append(line).append('\n'));
        try {
            Files.createDirectories(FILE.getParent());
            Files.writeString(FILE, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
