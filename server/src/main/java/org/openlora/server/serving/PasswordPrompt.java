package org.openlora.server.serving;

import java.io.Console;
import java.util.Optional;

/// Asks a person at a terminal.
public final class PasswordPrompt {
    private PasswordPrompt() {}

    /// What was typed, without showing it; empty where nobody sits at a terminal.
    @SuppressWarnings("SystemConsoleNull") // JDK 25 gives null again where standard input is no terminal
    public static Optional<String> read(String prompt) {
        Console console = System.console();
        if (console == null || !console.isTerminal()) {
            return Optional.empty();
        }
        return Optional.ofNullable(console.readPassword(prompt)).map(String::new);
    }
}
