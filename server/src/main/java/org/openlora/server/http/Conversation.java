package org.openlora.server.http;

import java.util.List;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.Serving;

/// What a reply needs of the stack it answers for.
///
/// @param createdSeconds when the request came, since the epoch
/// @param model as the client named it
record Conversation(Serving serving, ReplyKind kind, long createdSeconds, String model) {
    /// What the reply's events begin with: it is known by its first prompt's id.
    ReplyHead head(List<Admission> admissions) {
        return new ReplyHead(kind.idPrefix() + admissions.getFirst().requestId(), createdSeconds, model);
    }

    LogprobsJson logprobs() {
        return new LogprobsJson(serving::decode);
    }

    /// A prompt's text, for a client that wants it back.
    String text(PromptInput prompt) {
        return switch (prompt) {
            case PromptInput.Text(String text) -> text;
            case PromptInput.Tokens _, PromptInput.Chat _ -> serving.decode(serving.tokenize(prompt));
        };
    }

    /// Ends all that still runs.
    void abort(List<Admission> admissions) {
        admissions.forEach(serving::abort);
    }
}
