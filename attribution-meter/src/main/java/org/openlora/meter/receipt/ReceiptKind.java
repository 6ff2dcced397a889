package org.openlora.meter.receipt;

/// What a receipt does to the account. Amounts are never negative: the kind carries the sign.
public enum ReceiptKind {
    /// Inference that was served; `price` is owed.
    USAGE(1),
    /// Takes back up to the price of an earlier receipt, named by `ref`; counts into a batch's `creditTotal`.
    CREDIT(2),
    /// Adds to an earlier receipt that was billed too low, named by `ref`; counts into a batch's `gross`.
    DEBIT(3);

    private final int code;

    ReceiptKind(int code) {
        this.code = code;
    }

    /// The `uint8` that is hashed.
    public int code() {
        return code;
    }

    /// @throws IllegalArgumentException for a number that is no kind
    public static ReceiptKind ofCode(int code) {
        for (ReceiptKind kind : values()) {
            if (kind.code == code) {
                return kind;
            }
        }
        throw new IllegalArgumentException("receipt kind " + code + ": allowed are 1 usage, 2 credit, 3 debit");
    }
}
