package org.openlora.adapters;

/// Makes text of unknown origin fit for a one-line error message.
public final class OneLine {
    private static final int MAX_LENGTH = 200;
    private static final int MAX_REASON_LENGTH = 1000;

    private OneLine() {}

    /// In single quotes, control characters replaced, cut to 200 characters.
    public static String quote(String text) {
        return "'" + printable(text, MAX_LENGTH) + "'";
    }

    /// The first line of an exception's message, for libraries that write several and quote what they read.
    public static String reason(Throwable cause) {
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : printable(message.lines().findFirst().orElse(""), MAX_REASON_LENGTH);
    }

    private static String printable(String text, int maxLength) {
        var printable = new StringBuilder();
        text.codePoints().limit(maxLength).forEach(c -> printable.appendCodePoint(isPrintable(c) ? c : 0xfffd));
        return printable
                .append(text.codePointCount(0, text.length()) > maxLength ? "…" : "")
                .toString();
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
