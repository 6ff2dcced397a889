package org.openlora.benchmarks.roofline;

import org.openlora.engine.weights.ModelConfig;

/// The sizes of a model that decide what a token costs.
///
/// @param projectionWeights weights of all seven projections of all layers
/// @param headWeights weights of the output head (the embedding, where they are tied)
/// @param loraWeightsPerRank weights that one rank of an adapter on all seven projections has
/// @param kvBytesPerToken keys and values of all layers, 16 bits each
public record ModelShape(long projectionWeights, long headWeights, long loraWeightsPerRank, long kvBytesPerToken) {
    private static final int KV_BYTES = 2;

    /// The shape of a model of the Llama family.
    public static ModelShape of(ModelConfig config) {
        long hidden = config.hiddenSize();
        long query = config.querySize();
        long keyValue = config.keyValueSize();
        long intermediate = config.intermediateSize();
        long attention = 2 * query * hidden + 2 * keyValue * hidden;
        long mlp = 3 * intermediate * hidden;
        long perRank = 2 * (query + hidden) + 2 * (keyValue + hidden) + 3 * (intermediate + hidden);
        return new ModelShape(
                config.layers() * (attention + mlp),
                (long) config.vocabularySize() * hidden,
                config.layers() * perRank,
                config.layers() * 2L * keyValue * KV_BYTES);
    }
}
