package org.openlora.meter.accounting.entries;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;

/// A calendar month in UTC: what is billed, closed and stated together. Text form: `2026-11`.
public record Period(YearMonth month) implements Comparable<Period> {
    /// Reads a year and a month such as `2026-11`.
    ///
    /// @throws IllegalArgumentException naming the text
    public static Period parse(String text) {
        try {
            return new Period(YearMonth.parse(text));
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("a period is a year and a month such as 2026-11, not '" + text + "'", e);
        }
    }

    /// The month that this time, in milliseconds since the epoch, lies in.
    public static Period of(long millis) {
        return new Period(YearMonth.from(Instant.ofEpochMilli(millis).atOffset(ZoneOffset.UTC)));
    }

    /// First instant of the month.
    public Instant start() {
        return month.atDay(1).atStartOfDay(ZoneOffset.UTC).toInstant();
    }

    /// First instant after the month.
    public Instant end() {
        return next().start();
    }

    public Period next() {
        return new Period(month.plusMonths(1));
    }

    public boolean contains(long millis) {
        return of(millis).equals(this);
    }

    @Override
    public int compareTo(Period other) {
        return month.compareTo(other.month);
    }

    @Override
    public String toString() {
        return month.toString();
    }
}
