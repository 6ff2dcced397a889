package org.openlora.meter.accounting.statement;

import java.math.BigInteger;
import java.util.List;

/// A line of a statement: what it is for, and its sums in pico-units.
///
/// @param what for, in the columns of the statement's table
/// @param grossPico usage and debits of the month itself
/// @param creditPico credits of the month itself
/// @param adjustmentPico what came after its own month was closed, credits taken off
/// @param count receipts or tokens, as the table's heading says
record StatementLine(
        List<String> what, BigInteger grossPico, BigInteger creditPico, BigInteger adjustmentPico, long count) {
    BigInteger netPico() {
        return grossPico.subtract(creditPico).add(adjustmentPico);
    }
}
