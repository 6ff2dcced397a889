package org.openlora.engine;

/// Why a row's result may not be used: it was computed, or may have been, with weights that its request did not ask
/// for.
enum WeightFault {
    /// A slot holds other weights than those that were leased there.
    WRONG_SLOT("an adapter's place in memory held other weights"),
    /// The kernels were told to apply other adapters, or other scales, to the request's rows.
    WRONG_ROWS("its rows were computed with other adapters than it asked for"),
    /// The bytes of an adapter's weights are no longer those that were loaded; nobody knows since when.
    CORRUPT_WEIGHTS("the weights of one of its adapters changed in memory");

    private final String reason;

    WeightFault(String reason) {
        this.reason = reason;
    }

    /// What the client is told.
    EngineException failure() {
        return new EngineException(
                EngineException.Code.WRONG_WEIGHTS,
                "the answer was stopped because " + reason
                        + "; nothing is billed, do not use what was sent, and ask again");
    }
}
