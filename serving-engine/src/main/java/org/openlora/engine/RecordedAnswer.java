package org.openlora.engine;

import java.util.List;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;

/// An answer that was given, with all that its tokens followed from.
///
/// @param prompt token ids as the model read them, at least one
/// @param output every sampled id, an end token too, at least one
/// @param adapters what was applied on the base, none for the bare base
/// @param choice which of the request's answers it was, from 0
/// @param finishReason why it was said to have ended
@SuppressWarnings("ArrayRecordComponent") // Copied on the way in; never compared.
public record RecordedAnswer(
        int[] prompt,
        int[] output,
        List<AdapterSelection> adapters,
        SamplingParams params,
        int choice,
        FinishReason finishReason) {
    public RecordedAnswer {
        if (prompt.length == 0 || output.length == 0) {
            throw new IllegalArgumentException("a recorded answer has " + prompt.length + " prompt and " + output.length
                    + " output tokens: at least one of each is needed");
        }
        if (choice < 0 || choice >= GenerationRequest.MOST_CHOICES) {
            throw new IllegalArgumentException(
                    "choice is " + choice + ": allowed is 0 to " + (GenerationRequest.MOST_CHOICES - 1));
        }
        prompt = prompt.clone();
        output = output.clone();
        adapters = List.copyOf(adapters);
    }

    /// An answer as the engine has just counted it.
    public static RecordedAnswer of(Usage usage) {
        return new RecordedAnswer(
                usage.promptTokens(),
                usage.outputTokens(),
                usage.adapters().stream().map(Usage.AdapterTokens::adapter).toList(),
                usage.params(),
                usage.choice(),
                usage.finishReason());
    }
}
