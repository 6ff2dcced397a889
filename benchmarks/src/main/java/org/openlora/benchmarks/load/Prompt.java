package org.openlora.benchmarks.load;

import java.util.List;

/// What a request asks to be continued.
public sealed interface Prompt {
    /// Text, which the server turns into tokens.
    record Text(String text) implements Prompt {}

    /// Token ids.
    record Tokens(List<Integer> ids) implements Prompt {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }
}
