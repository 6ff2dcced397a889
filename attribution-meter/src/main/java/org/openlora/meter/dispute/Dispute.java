package org.openlora.meter.dispute;

import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;

/// A receipt that somebody challenges.
///
/// @param id follows from receipt and reason, so that opening the same again gives the same
/// @param seq number of the receipt
/// @param receipt its struct hash
/// @param textGiven whether who opened it gave the tokens
/// @param resolution null while it is open
public record Dispute(
        Bytes32 id,
        long seq,
        Bytes32 receipt,
        String reason,
        String openedBy,
        long openedAtMillis,
        boolean textGiven,
        @Nullable Resolution resolution) {
    /// Where a dispute stands.
    public enum State {
        OPEN(0),
        CREDITED(1),
        REJECTED(2);

        private final int code;

        State(int code) {
            this.code = code;
        }

        /// As the ledger keeps it.
        int code() {
            return code;
        }

        static State ofCode(int code) {
            return values()[code];
        }
    }

    /// How it ended.
    ///
    /// @param finding what was recomputed and follows from it, as JSON
    /// @param credit struct hash of the credit; null where it was rejected
    /// @param debit struct hash of the debit to whom the credit's payees got it in place of; null where there is
    /// none
    public record Resolution(
            State state,
            String actor,
            long atMillis,
            String finding,
            @Nullable Bytes32 credit,
            @Nullable Bytes32 debit) {}

    public State state() {
        return resolution == null ? State.OPEN : resolution.state();
    }
}
