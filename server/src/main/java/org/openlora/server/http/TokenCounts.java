package org.openlora.server.http;

import org.openlora.engine.Usage;
import org.openlora.server.serving.Admission;

/// The tokens of an answer so far. A prompt counts once, however many choices it has.
final class TokenCounts {
    private int prompt;
    private int completion;
    private int cached;

    void admitted(Admission admission) {
        prompt += admission.promptTokens();
    }

    void generated(int tokens) {
        completion += tokens;
    }

    /// What only the end of a choice tells. Choices behind the first find the whole prompt computed: they say nothing
    /// about the cache.
    void finished(Usage usage) {
        if (usage.choice() == 0) {
            cached += usage.cachedTokens();
        }
    }

    /// The usage object.
    void write(JsonBuffer out) {
        out.raw("{\"prompt_tokens\":").integer(prompt);
        out.raw(",\"completion_tokens\":").integer(completion);
        out.raw(",\"total_tokens\":").integer((long) prompt + completion);
        out.raw(",\"prompt_tokens_details\":{\"cached_tokens\":")
                .integer(cached)
                .raw("}}");
    }
}
