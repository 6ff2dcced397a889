package org.openlora.engine.weights;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// The key-value part of a GGUF header. Getters throw [ModelLoadException] naming the file and the key when the
/// key has another type than asked for, or a value out of range.
public final class GgufMetadata {
    private final String file;
    private final Map<String, Object> values;

    GgufMetadata(String file, Map<String, Object> values) {
        this.file = file;
        this.values = Map.copyOf(values);
    }

    /// The file's name, for messages.
    public String file() {
        return file;
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    public Optional<String> string(String key) {
        return Optional.ofNullable(value(key, String.class, "a string"));
    }

    public String requireString(String key) {
        return string(key).orElseThrow(() -> missing(key));
    }

    public boolean flag(String key, boolean absent) {
        Boolean value = value(key, Boolean.class, "a boolean");
        return value == null ? absent : value;
    }

    /// A whole number from `min` to `max`.
    public OptionalInt integer(String key, int min, int max) {
        Long value = value(key, Long.class, "one whole number");
        if (value == null) {
            return OptionalInt.empty();
        }
        if (value < min || value > max) {
            throw new ModelLoadException(
                    "%s: key %s is %d; allowed are %d to %d".formatted(file, key, value, min, max));
        }
        return OptionalInt.of(Math.toIntExact(value));
    }

    public int requireInteger(String key, int min, int max) {
        return integer(key, min, max).orElseThrow(() -> missing(key));
    }

    /// A number. One stored as float32 is given as the shortest decimal that means this float32 (so 1e-5, not
    /// 9.999999747378752e-06): that is the number its author wrote.
    public OptionalDouble number(String key) {
        Object value = values.get(key);
        return switch (value) {
            case null -> OptionalDouble.empty();
            case Float number -> OptionalDouble.of(Double.parseDouble(Float.toString(number)));
            case Double number -> OptionalDouble.of(number);
            case Long number -> OptionalDouble.of(number);
            default -> throw wrongType(key, "a number");
        };
    }

    public Optional<List<String>> strings(String key) {
        @SuppressWarnings("unchecked") // the only lists in the map hold strings
        List<String> value = value(key, List.class, "an array of strings");
        return Optional.ofNullable(value);
    }

    public Optional<long[]> integers(String key) {
        long[] value = value(key, long[].class, "an array of whole numbers");
        return value == null ? Optional.empty() : Optional.of(value.clone());
    }

    public Optional<double[]> numbers(String key) {
        double[] value = value(key, double[].class, "an array of numbers");
        return value == null ? Optional.empty() : Optional.of(value.clone());
    }

    /// What to throw where a key is needed that is not there.
    public ModelLoadException missing(String key) {
        return new ModelLoadException("%s: key %s is missing".formatted(file, key));
    }

    private <T> @Nullable T value(String key, Class<T> type, String description) {
        Object value = values.get(key);
        if (value != null && !type.isInstance(value)) {
            throw wrongType(key, description);
        }
        return type.cast(value);
    }

    private ModelLoadException wrongType(String key, String description) {
        return new ModelLoadException("%s: key %s is not %s".formatted(file, key, description));
    }
}
