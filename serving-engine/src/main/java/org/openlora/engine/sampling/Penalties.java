package org.openlora.engine.sampling;

/// What makes tokens less likely that were used before; negative presence and frequency make them more likely.
///
/// @param repetition divides positive and multiplies other logits of tokens of the prompt and the response; above 0
///     and at most 10, 1 for none
/// @param presence taken off the logits of tokens of the response, from -2 to 2, 0 for none
/// @param frequency taken off the logits of tokens of the response once for each time they stand there, from -2 to 2,
///     0 for none
public record Penalties(float repetition, float presence, float frequency) {
    public static final Penalties NONE = new Penalties(1, 0, 0);

    private static final float LARGEST_REPETITION = 10;
    private static final float LARGEST = 2;

    public Penalties {
        Requirement.that(
                repetition > 0 && repetition <= LARGEST_REPETITION,
                "repetition_penalty",
                repetition,
                "above 0 and at most " + LARGEST_REPETITION);
        Requirement.that(Math.abs(presence) <= LARGEST, "presence_penalty", presence, "from -2 to 2");
        Requirement.that(Math.abs(frequency) <= LARGEST, "frequency_penalty", frequency, "from -2 to 2");
    }

    public boolean isNone() {
        return repetition == 1 && presence == 0 && frequency == 0;
    }
}
