package org.openlora.engine.chat;

import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where Jinjava reads a template otherwise than Jinja, the template is rewritten into what both read alike.
///
/// - Jinja drops one line break at the template's end; Jinjava would drop it at the output's end.
/// - Jinjava has no slices with a step; `[::-1]`, the one that templates use, is the filter `reverse`.
/// - Jinjava takes of `namespace(last=items|length - 1)` only `items|length` as the value; brackets hold it
///   together.
final class TemplateSource {
    private static final String NAMESPACE = "namespace(";
    private static final Pattern BLOCK = Pattern.compile("\\{[{%].*?[}%]\\}", Pattern.DOTALL);
    private static final Pattern STRING =
            Pattern.compile("'(?:[^'\\\\]|\\\\.)*+'|\"(?:[^\"\\\\]|\\\\.)*+\"", Pattern.DOTALL);
    private static final Pattern FILTER = Pattern.compile("\\|\\s*([A-Za-z_]\\w*)");

    private TemplateSource() {}

    /// The names of all filters in the template's expressions.
    static Set<String> filters(String template) {
        Set<String> names = new TreeSet<>();
        Matcher blocks = BLOCK.matcher(template);
        while (blocks.find()) {
            Matcher filters = FILTER.matcher(STRING.matcher(blocks.group()).replaceAll("''"));
            while (filters.find()) {
                names.add(filters.group(1));
            }
        }
        return names;
    }

    static String forJinjava(String source) {
        String whole = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
        String template = whole.replace("[::-1]", "|reverse");
        StringBuilder result = new StringBuilder();
        int copied = 0;
        for (int at = template.indexOf(NAMESPACE); at >= 0; at = template.indexOf(NAMESPACE, copied)) {
            int start = at + NAMESPACE.length();
            int end = closing(template, start);
            result.append(template, copied, start).append(bracketed(template.substring(start, end)));
            copied = end;
        }
        return result.append(template, copied, template.length()).toString();
    }

    /// Puts the value of each `name=value` in brackets.
    private static String bracketed(String arguments) {
        StringBuilder result = new StringBuilder();
        int start = 0;
        while (start < arguments.length()) {
            int end = argumentEnd(arguments, start);
            String argument = arguments.substring(start, end);
            int equals = argument.indexOf('=');
            boolean named = equals > 0 && argument.substring(0, equals).strip().matches("\\w+");
            result.append(start == 0 ? "" : ",");
            result.append(
                    named ? argument.substring(0, equals + 1) + "(" + argument.substring(equals + 1) + ")" : argument);
            start = end + 1;
        }
        return result.toString();
    }

    /// Where the bracket that is open at `start` closes, or the end of the text.
    private static int closing(String text, int start) {
        int at = start;
        while (at < text.length()) {
            at = argumentEnd(text, at);
            if (at == text.length() || text.charAt(at) == ')') {
                return at;
            }
            at++;
        }
        return at;
    }

    /// The next comma or closing bracket outside of strings and inner brackets, or the end of the text.
    private static int argumentEnd(String text, int start) {
        int depth = 0;
        char quote = 0;
        for (int i = start; i < text.length(); i++) {
            char character = text.charAt(i);
            if (quote != 0) {
                i += character == '\\' ? 1 : 0;
                quote = character == quote ? 0 : quote;
            } else if (character == '\'' || character == '"') {
                quote = character;
            } else if ("([{".indexOf(character) >= 0) {
                depth++;
            } else if (depth == 0 && (character == ',' || character == ')')) {
                return i;
            } else if (")]}".indexOf(character) >= 0) {
                depth--;
            }
        }
        return text.length();
    }
}
