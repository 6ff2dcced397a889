package org.openlora.meter.audit;

/// What a check came to.
public sealed interface Outcome {
    /// One sentence for people.
    String detail();

    /// As recorded.
    record Agrees(String detail) implements Outcome {}

    /// Otherwise than recorded.
    record Disagrees(String detail) implements Outcome {}

    /// Otherwise than recorded in a way that another numeric path explains: near ties, drawn the other way.
    record NearTies(String detail) implements Outcome {}

    /// There was nothing to check it with.
    record NotChecked(String detail) implements Outcome {}
}
