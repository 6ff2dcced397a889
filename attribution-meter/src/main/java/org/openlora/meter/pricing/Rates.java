package org.openlora.meter.pricing;

/// Prices in pico-units per 1,000 tokens.
///
/// @param promptPico of prompt tokens that were computed
/// @param cachedPico of prompt tokens that came from the prefix cache
/// @param generatedPico of delivered tokens
public record Rates(long promptPico, long cachedPico, long generatedPico) {
    /// The dearer of two rates, kind by kind.
    Rates dearer(Rates other) {
        return new Rates(
                Math.max(promptPico, other.promptPico),
                Math.max(cachedPico, other.cachedPico),
                Math.max(generatedPico, other.generatedPico));
    }
}
