package org.openlora.adapters.peft;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalDouble;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;

/// `rank_pattern` or `alpha_pattern`: expressions for the ends of module paths, of which the first in the file
/// wins.
final class ModulePatterns {
    private final String field;
    private final Map<PythonRegex, Double> values = new LinkedHashMap<>();

    ModulePatterns(String field, Map<String, ? extends Number> valuesInFileOrder) {
        this.field = field;
        valuesInFileOrder.forEach((key, value) -> values.put(compile(key), value.doubleValue()));
    }

    /// The value of the first expression that matches as `(.*\.)?(KEY)$`.
    OptionalDouble find(String modulePath) {
        try {
            for (Map.Entry<PythonRegex, Double> entry : values.entrySet()) {
                if (entry.getKey().match(modulePath)) {
                    return OptionalDouble.of(entry.getValue());
                }
            }
            return OptionalDouble.empty();
        } catch (IllegalArgumentException e) {
            throw new AdapterException(Code.INVALID, field + " " + e.getMessage(), e);
        }
    }

    private PythonRegex compile(String key) {
        try {
            new PythonRegex(key);
            return new PythonRegex("(.*\\.)?(" + key + ")$");
        } catch (IllegalArgumentException e) {
            throw new AdapterException(Code.INVALID, field + " key " + OneLine.quote(key) + " " + e.getMessage(), e);
        }
    }
}
