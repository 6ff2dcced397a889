package org.openlora.engine.chat;

import com.hubspot.jinjava.el.JinjavaInterpreterResolver;
import com.hubspot.jinjava.objects.collections.PyList;
import java.beans.FeatureDescriptor;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;
import org.jspecify.annotations.Nullable;

/// Python's string methods, which chat templates call as if they ran in Python. Other receivers and methods are
/// left to Jinjava, which lets templates call nothing that could leave them.
final class PythonStrings extends ELResolver {
    private final ELResolver rest = JinjavaInterpreterResolver.DEFAULT_RESOLVER_READ_ONLY;

    @Override
    public @Nullable Object invoke(
            ELContext context,
            @Nullable Object base,
            @Nullable Object method,
            Class<?> @Nullable [] types,
            Object @Nullable [] arguments) {
        if (base instanceof String text && method != null) {
            Object result = call(text, method.toString(), strings(arguments));
            if (result != null) {
                context.setPropertyResolved(true);
                return result;
            }
        }
        return rest.invoke(context, base, method, types, arguments);
    }

    private static List<String> strings(Object @Nullable [] arguments) {
        List<String> strings = new ArrayList<>();
        for (Object argument : arguments == null ? new Object[0] : arguments) {
            strings.add(String.valueOf(argument));
        }
        return strings;
    }

    private static @Nullable Object call(String text, String method, List<String> arguments) {
        if (arguments.isEmpty()) {
            return switch (method) {
                case "strip" -> text.strip();
                case "lstrip" -> text.stripLeading();
                case "rstrip" -> text.stripTrailing();
                case "upper" -> text.toUpperCase(Locale.ROOT);
                case "lower" -> text.toLowerCase(Locale.ROOT);
                case "capitalize" -> capitalized(text);
                case "split" -> list(List.of(text.strip().split("\\s+")));
                default -> null;
            };
        }
        String first = arguments.getFirst();
        if (arguments.size() == 2) {
            return method.equals("replace") ? text.replace(first, arguments.getLast()) : null;
        }
        return switch (method) {
            case "strip" -> stripTrailing(stripLeading(text, first), first);
            case "lstrip" -> stripLeading(text, first);
            case "rstrip" -> stripTrailing(text, first);
            case "startswith" -> text.startsWith(first);
            case "endswith" -> text.endsWith(first);
            case "split" -> list(split(text, first));
            case "removeprefix" -> text.startsWith(first) ? text.substring(first.length()) : text;
            case "removesuffix" -> text.endsWith(first) ? text.substring(0, text.length() - first.length()) : text;
            case "find" -> (long) text.indexOf(first);
            case "count" -> (long) split(text, first).size() - 1;
            default -> null;
        };
    }

    private static PyList list(List<String> items) {
        return new PyList(new ArrayList<>(items));
    }

    private static String capitalized(String text) {
        return text.isEmpty()
                ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT)
                        + text.substring(1).toLowerCase(Locale.ROOT);
    }

    private static List<String> split(String text, String separator) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        for (int at = text.indexOf(separator); at >= 0 && !separator.isEmpty(); at = text.indexOf(separator, start)) {
            parts.add(text.substring(start, at));
            start = at + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static String stripLeading(String text, String characters) {
        int start = 0;
        while (start < text.length() && characters.indexOf(text.charAt(start)) >= 0) {
            start++;
        }
        return text.substring(start);
    }

    private static String stripTrailing(String text, String characters) {
        int end = text.length();
        while (end > 0 && characters.indexOf(text.charAt(end - 1)) >= 0) {
            end--;
        }
        return text.substring(0, end);
    }

    @Override
    public @Nullable Object getValue(ELContext context, @Nullable Object base, @Nullable Object property) {
        return rest.getValue(context, base, property);
    }

    @Override
    public @Nullable Class<?> getType(ELContext context, @Nullable Object base, @Nullable Object property) {
        return rest.getType(context, base, property);
    }

    @Override
    public void setValue(ELContext context, @Nullable Object base, @Nullable Object property, @Nullable Object value) {
        rest.setValue(context, base, property, value);
    }

    @Override
    public boolean isReadOnly(ELContext context, @Nullable Object base, @Nullable Object property) {
        return rest.isReadOnly(context, base, property);
    }

    @Override
    public @Nullable Iterator<FeatureDescriptor> getFeatureDescriptors(ELContext context, @Nullable Object base) {
        return rest.getFeatureDescriptors(context, base);
    }

    @Override
    public @Nullable Class<?> getCommonPropertyType(ELContext context, @Nullable Object base) {
        return rest.getCommonPropertyType(context, base);
    }
}
