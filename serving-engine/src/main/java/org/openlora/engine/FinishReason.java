package org.openlora.engine;

/// Why a response ended.
public enum FinishReason {
    /// An end token, or a stop string or token of the request.
    STOP,
    /// The request's `maxTokens`, or the model's context, was reached.
    LENGTH,
    /// The client went away or asked to stop.
    ABORT,
    /// The request's deadline passed.
    DEADLINE
}
