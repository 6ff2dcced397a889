package org.openlora.meter.accounting.entries;

import java.util.Locale;

/// How far a period of an account is done.
public enum PeriodState {
    /// Receipts count in it as they come.
    OPEN(0),
    /// Its figures are under review; receipts served in it still count in it, and `status` shows what changed.
    SOFT(1),
    /// Its figures are pinned; a receipt that comes later counts in the next open period.
    CLOSED(2);

    private final int code;

    PeriodState(int code) {
        this.code = code;
    }

    /// The number in the table.
    public int code() {
        return code;
    }

    /// In lower case, for people.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// @throws IllegalArgumentException for a number that is no state
    public static PeriodState ofCode(int code) {
        for (PeriodState state : values()) {
            if (state.code == code) {
                return state;
            }
        }
        throw new IllegalArgumentException("period state " + code + ": allowed are 0 open, 1 soft, 2 closed");
    }
}
