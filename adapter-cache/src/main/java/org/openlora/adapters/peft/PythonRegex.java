package org.openlora.adapters.peft;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.openlora.adapters.OneLine;

/// A regular expression written for Python, run by Java where both mean the same, and bounded in length and
/// steps.
///
/// Adapters come from strangers: an expression that backtracks for ever must cost no more than a bounded number
/// of character reads. Constructs that the two languages read differently are refused with
/// [IllegalArgumentException].
final class PythonRegex {
    static final int MAX_LENGTH = 1000;
    private static final int MAX_STEPS = 200_000;
    private static final String SHARED_ESCAPES = "dDwWsSbB";

    private final Pattern pattern;

    PythonRegex(String expression) {
        if (expression.length() > MAX_LENGTH) {
            throw new IllegalArgumentException("is longer than " + MAX_LENGTH + " characters");
        }
        if (!isReadAlike(expression)) {
            throw new IllegalArgumentException("uses a construct that is read differently outside Python; allowed:"
                    + " ASCII characters, . * + ? {n,m} | ^ $, groups (…) (?:…) (?=…) (?!…), classes [a-z] [^a-z],"
                    + " \\d \\w \\s \\b");
        }
        try {
            this.pattern = Pattern.compile(expression);
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("is not a regular expression: " + OneLine.reason(e), e);
        }
    }

    /// Python's `re.fullmatch`.
    boolean fullMatch(String text) {
        return pattern.matcher(new CountedText(text)).matches();
    }

    /// Python's `re.match`: at the start of the text.
    boolean match(String text) {
        return pattern.matcher(new CountedText(text)).lookingAt();
    }

    private static boolean isReadAlike(String expression) {
        boolean inClass = false;
        for (int i = 0; i < expression.length(); i++) {
            char c = expression.charAt(i);
            char next = i + 1 < expression.length() ? expression.charAt(i + 1) : '\0';
            if (c < ' ' || c > '~') {
                return false;
            }
            if (c == '\\') {
                if (!isSharedEscape(next, inClass)) {
                    return false;
                }
                i++;
            } else if (inClass) {
                if (c == '[' || (c == '&' && next == '&')) {
                    return false;
                }
                inClass = c != ']';
            } else if (c == '[') {
                if (next == ']' || expression.startsWith("[^]", i)) {
                    return false;
                }
                inClass = true;
            } else if ((c == '(' && next == '?' && !isSharedGroup(expression.substring(i + 2)))
                    || ("*+?}".indexOf(c) >= 0 && next == '+')) {
                return false;
            }
        }
        return true;
    }

    private static boolean isSharedEscape(char escaped, boolean inClass) {
        boolean punctuation = escaped > ' ' && escaped <= '~' && !Character.isLetterOrDigit(escaped);
        return punctuation || (SHARED_ESCAPES.indexOf(escaped) >= 0 && !(inClass && "bB".indexOf(escaped) >= 0));
    }

    private static boolean isSharedGroup(String afterQuestionMark) {
        return afterQuestionMark.startsWith(":")
                || afterQuestionMark.startsWith("=")
                || afterQuestionMark.startsWith("!");
    }

    /// Text that counts how often it is read, which is what backtracking costs.
    private static final class CountedText implements CharSequence {
        private final String text;
        private int reads;

        CountedText(String text) {
            this.text = text;
        }

        @Override
        public char charAt(int index) {
            if (++reads > MAX_STEPS) {
                throw new IllegalArgumentException("takes more than " + MAX_STEPS + " steps on " + OneLine.quote(text));
            }
            return text.charAt(index);
        }

        @Override
        public int length() {
            return text.length();
        }

        @Override
        public CharSequence subSequence(int start, int end) {
            return text.subSequence(start, end);
        }

        @Override
        public String toString() {
            return text;
        }
    }
}
