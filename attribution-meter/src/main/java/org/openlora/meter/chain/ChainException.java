package org.openlora.meter.chain;

import org.jspecify.annotations.Nullable;

/// Something went wrong between us and the chain. Messages are one line, fit for a terminal.
public sealed class ChainException extends RuntimeException {
    private static final long serialVersionUID = 1;

    ChainException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /// No usable answer: refused, timed out, an HTTP error, not JSON-RPC. Worth another try.
    public static final class Unreachable extends ChainException {
        private static final long serialVersionUID = 1;

        Unreachable(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /// The node answered with an error.
    public static final class Refused extends ChainException {
        private static final long serialVersionUID = 1;
        /// Of a call that found no contract, which is no error to the node.
        static final int NO_CONTRACT = 0;

        private final int code;
        private final String revertData;

        /// @param revertData what the contract reverted with, as `0x…`; `0x` where the node gave none
        Refused(String message, int code, String revertData) {
            super(message, null);
            this.code = code;
            this.revertData = revertData;
        }

        /// The JSON-RPC error code; 0 where no contract stands at the address.
        public int code() {
            return code;
        }

        public String revertData() {
            return revertData;
        }
    }

    /// A transaction was mined and reverted, or was not mined in time.
    public static final class Failed extends ChainException {
        private static final long serialVersionUID = 1;

        Failed(String message) {
            super(message, null);
        }
    }

    /// Trying again cannot help and might do harm: another chain, another contract, or a different batch under
    /// our number. The flusher stops until a person has looked.
    public static final class Halted extends ChainException {
        private static final long serialVersionUID = 1;

        Halted(String message) {
            super(message, null);
        }
    }
}
