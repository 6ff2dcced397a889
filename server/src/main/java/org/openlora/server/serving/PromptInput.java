package org.openlora.server.serving;

import java.util.List;

/// A prompt as a client gives it.
public sealed interface PromptInput {
    /// Text as it stands, without the chat template.
    record Text(String text) implements PromptInput {}

    /// Token ids as they stand.
    record Tokens(List<Integer> ids) implements PromptInput {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }

    /// A conversation for the model's chat template, opened for the assistant's answer.
    record Chat(List<Turn> turns) implements PromptInput {
        public Chat {
            turns = List.copyOf(turns);
            if (turns.isEmpty()) {
                throw new IllegalArgumentException("messages is empty: at least one is needed");
            }
        }
    }

    /// One turn of a conversation.
    record Turn(String role, String content) {
        public Turn {
            if (role.isBlank()) {
                throw new IllegalArgumentException("a message has no role: use system, user or assistant");
            }
        }
    }
}
