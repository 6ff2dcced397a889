package org.openlora.meter.accounting.export;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// A column of a table whose lines are of type `L`. Null stands for "does not apply".
sealed interface Column<L> {
    /// As the file's header names it.
    String name();

    record Text<L>(String name, Function<L, @Nullable String> value) implements Column<L> {}

    /// A number of things: sequence numbers, batches. 64 bits.
    record Whole<L>(String name, Function<L, @Nullable Long> value) implements Column<L> {}

    /// An exact decimal of 38 digits, `scale` of them behind the point.
    record Decimal<L>(String name, int scale, Function<L, @Nullable BigDecimal> value) implements Column<L> {
        static final int PRECISION = 38;
    }

    /// An instant in UTC, to the millisecond.
    record Time<L>(String name, Function<L, @Nullable Instant> value) implements Column<L> {}
}
