package org.openlora.meter.accounting.statement;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.accounting.entries.LedgerEntry;

/// Adds up lines by what they are for.
final class LineSums {
    private static final Comparator<List<String>> ORDER = (left, right) -> {
        for (int i = 0; i < left.size(); i++) {
            int order = left.get(i).compareTo(right.get(i));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    };

    private final Map<List<String>, Sum> sums = new TreeMap<>(ORDER);

    private static final class Sum {
        private BigInteger gross = BigInteger.ZERO;
        private BigInteger credits = BigInteger.ZERO;
        private BigInteger adjustments = BigInteger.ZERO;
        private long count;
    }

    /// @param pico not negative; the receipt's kind carries the sign
    void add(LedgerEntry entry, List<String> what, long pico, long count) {
        Sum sum = sums.computeIfAbsent(what, key -> new Sum());
        BigInteger amount = BigInteger.valueOf(pico);
        if (entry.isPriorPeriod()) {
            sum.adjustments = sum.adjustments.add(entry.sign() < 0 ? amount.negate() : amount);
        } else if (entry.sign() < 0) {
            sum.credits = sum.credits.add(amount);
        } else {
            sum.gross = sum.gross.add(amount);
        }
        sum.count += count;
    }

    List<StatementLine> lines() {
        List<StatementLine> lines = new ArrayList<>();
        sums.forEach(
                (what, sum) -> lines.add(new StatementLine(what, sum.gross, sum.credits, sum.adjustments, sum.count)));
        return lines;
    }
}
