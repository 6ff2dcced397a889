package org.openlora.server.quickstart;

import java.io.PrintWriter;

/// Where the quickstart is shown.
///
/// @param out receives all text
/// @param columns width; 0 where it is no terminal, then there are no colours and nothing is drawn over
public record Terminal(PrintWriter out, int columns) {
    static final String BOLD = "\u001b[1m";

    private static final String RESET = "\u001b[0m";

    /// Colours that are told apart on light and dark grounds.
    private static final int[] COLOURS = {32, 35, 36, 33, 34, 31, 92, 95, 96, 93, 94, 91};

    boolean isTerminal() {
        return columns > 0;
    }

    String style(String code, String text) {
        return isTerminal() && !text.isEmpty() ? code + text + RESET : text;
    }

    static String colour(int index) {
        return "\u001b[%dm".formatted(COLOURS[index % COLOURS.length]);
    }

    void heading(String text) {
        out.println();
        out.println(style(BOLD, text));
        out.flush();
    }

    void line(String text) {
        out.println(text);
        out.flush();
    }
}
