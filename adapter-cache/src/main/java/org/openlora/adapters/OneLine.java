package org.openlora.adapters;

/// Makes text of unknown origin fit for a one-line error message.
public final class OneLine {
    private static final int MAX_LENGTH = 200;

    private OneLine() {}

    /// In single quotes, control characters replaced, cut to 200 characters.
    public static String quote(String text) {
        var quoted = new StringBuilder("'");
        text.codePoints().limit(MAX_LENGTH).forEach(c -> quoted.appendCodePoint(isPrintable(c) ? c : 0xfffd));
        return quoted.append(text.codePointCount(0, text.length()) > MAX_LENGTH ? "…'" : "'")
                .toString();
    }

    /// The first line of an exception's message, for libraries that write several.
    public static String reason(Throwable cause) {
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    private static boolean isPrintable(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
