package org.openlora.meter.payout;

import java.math.BigDecimal;
import java.math.BigInteger;
import org.openlora.meter.evm.Address;

/// The ERC-20 that payees are paid in, and how its smallest unit relates to the pico-units (10⁻¹² of the whole
/// token) of receipts.
///
/// @param decimals of the token, as the token itself says: one unit is 10^-decimals of a whole one
public record SettlementToken(Address address, String symbol, int decimals) {
    private static final int PICO_DECIMALS = 12;
    private static final int MOST_DECIMALS = 36;

    public SettlementToken {
        if (decimals < 0 || decimals > MOST_DECIMALS) {
            throw new IllegalArgumentException(
                    "token " + address + " has " + decimals + " decimals: allowed are 0 to " + MOST_DECIMALS);
        }
    }

    /// The most whole units within an amount: rounded down, towards minus infinity.
    public BigInteger unitsWithin(BigInteger pico) {
        return decimals >= PICO_DECIMALS ? pico.multiply(scale()) : floorDivide(pico, scale());
    }

    /// What units are worth.
    ///
    /// @throws IllegalArgumentException where they are no whole number of pico-units, as no payout is
    public BigInteger picoOf(BigInteger units) {
        if (decimals < PICO_DECIMALS) {
            return units.multiply(scale());
        }
        BigInteger[] parts = units.divideAndRemainder(scale());
        if (parts[1].signum() != 0) {
            throw new IllegalArgumentException(units + " units of " + symbol + " are no whole number of pico-units");
        }
        return parts[0];
    }

    /// An amount of units as people write it, like `12.5 USDC`.
    public String text(BigInteger units) {
        return new BigDecimal(units, decimals).toPlainString() + " " + symbol;
    }

    private BigInteger scale() {
        return BigInteger.TEN.pow(Math.abs(PICO_DECIMALS - decimals));
    }

    private static BigInteger floorDivide(BigInteger dividend, BigInteger divisor) {
        BigInteger[] parts = dividend.divideAndRemainder(divisor);
        return parts[1].signum() < 0 ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }
}
