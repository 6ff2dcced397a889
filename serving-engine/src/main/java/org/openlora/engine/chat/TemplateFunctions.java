package org.openlora.engine.chat;

import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The functions that Transformers gives to chat templates beside Jinja's own. Jinjava calls static methods only,
/// so what they need comes from the interpreter that runs on the thread.
public final class TemplateFunctions {
    static final String NOW = "__now__";

    private TemplateFunctions() {}

    static List<ELFunctionDefinition> all() {
        return List.of(
                new ELFunctionDefinition(
                        "", "raise_exception", TemplateFunctions.class, "raiseException", Object.class),
                new ELFunctionDefinition("", "strftime_now", TemplateFunctions.class, "strftimeNow", Object.class));
    }

    /// Ends the rendering: the template refuses the messages.
    public static Object raiseException(@Nullable Object message) {
        throw new RaisedException(String.valueOf(message));
    }

    /// The date of the rendering, as Python's `strftime` writes it.
    public static String strftimeNow(@Nullable Object format) {
        Object now = JinjavaInterpreter.getCurrent().getContext().get(NOW);
        return now instanceof ZonedDateTime time ? strftime(time, String.valueOf(format)) : "";
    }

    static String strftime(ZonedDateTime time, String format) {
        DateTimeFormatterBuilder builder = new DateTimeFormatterBuilder();
        for (int i = 0; i < format.length(); i++) {
            char character = format.charAt(i);
            if (character != '%' || i + 1 == format.length()) {
                builder.appendLiteral(character);
            } else {
                append(builder, format.charAt(++i));
            }
        }
        return builder.toFormatter(Locale.ENGLISH).format(time);
    }

    private static void append(DateTimeFormatterBuilder builder, char directive) {
        switch (directive) {
            case 'd' -> builder.appendValue(ChronoField.DAY_OF_MONTH, 2);
            case 'm' -> builder.appendValue(ChronoField.MONTH_OF_YEAR, 2);
            case 'Y' -> builder.appendValue(ChronoField.YEAR, 4);
            case 'y' -> builder.appendPattern("yy");
            case 'b' -> builder.appendText(ChronoField.MONTH_OF_YEAR, TextStyle.SHORT);
            case 'B' -> builder.appendText(ChronoField.MONTH_OF_YEAR, TextStyle.FULL);
            case 'a' -> builder.appendText(ChronoField.DAY_OF_WEEK, TextStyle.SHORT);
            case 'A' -> builder.appendText(ChronoField.DAY_OF_WEEK, TextStyle.FULL);
            case 'j' -> builder.appendValue(ChronoField.DAY_OF_YEAR, 3);
            case 'H' -> builder.appendValue(ChronoField.HOUR_OF_DAY, 2);
            case 'I' -> builder.appendValue(ChronoField.CLOCK_HOUR_OF_AMPM, 2);
            case 'M' -> builder.appendValue(ChronoField.MINUTE_OF_HOUR, 2);
            case 'S' -> builder.appendValue(ChronoField.SECOND_OF_MINUTE, 2);
            case 'p' -> builder.appendText(ChronoField.AMPM_OF_DAY);
            case '%' -> builder.appendLiteral('%');
            default -> throw new RaisedException("strftime_now does not know %" + directive);
        }
    }

    /// What a template says by `raise_exception`.
    static final class RaisedException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        RaisedException(String message) {
            super(message);
        }
    }
}
