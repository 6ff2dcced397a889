package org.openlora.meter.exact;

import java.math.BigDecimal;
import java.math.BigInteger;

/// Amounts for people: pico-units as decimal numbers of whole units, exact, always with twelve decimals.
public final class Pico {
    private static final int DECIMALS = 12;

    private Pico() {}

    /// `1500000` is `0.000001500000`.
    public static String text(long pico) {
        return text(BigInteger.valueOf(pico));
    }

    /// `1500000` is `0.000001500000`.
    public static String text(BigInteger pico) {
        return decimal(pico).toPlainString();
    }

    /// The same as a number, with a scale of twelve.
    public static BigDecimal decimal(BigInteger pico) {
        return new BigDecimal(pico, DECIMALS);
    }
}
