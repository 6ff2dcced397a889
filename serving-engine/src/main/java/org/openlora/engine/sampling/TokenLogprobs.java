package org.openlora.engine.sampling;

import java.util.List;

/// Log-probabilities of one drawn token and of the most likely ones at its place: natural logarithms of the softmax
/// over the model's own logits, before bias, penalties, temperature and cuts.
///
/// @param drawn the token that was drawn
/// @param top the most likely tokens, best first, of equal ones the lowest id first; as many as were asked for, the
///     drawn one not necessarily among them
public record TokenLogprobs(TokenLogprob drawn, List<TokenLogprob> top) {
    public TokenLogprobs {
        top = List.copyOf(top);
    }

    /// One token and its log-probability, at most 0.
    public record TokenLogprob(int tokenId, float logprob) {}
}
