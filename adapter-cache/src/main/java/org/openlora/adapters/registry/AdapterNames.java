package org.openlora.adapters.registry;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;

/// What adapters may be called, and what a caller who misspelt one probably meant.
final class AdapterNames {
    static final int MAX_LENGTH = 128;
    private static final int LISTED = 10;

    private AdapterNames() {}

    /// Throws [AdapterException] where a name cannot be an adapter's: lists of names are split at
    /// commas, paths at slashes, and `sha256:` starts a digest.
    static void check(String name) {
        boolean sound = !name.isBlank()
                && name.length() <= MAX_LENGTH
                && name.strip().equals(name)
                && Utf8.isEncodable(name)
                && name.chars().noneMatch(c -> Character.isISOControl(c) || ",/\\".indexOf(c) >= 0)
                && !name.startsWith("sha256:");
        if (!sound) {
            throw new AdapterException(
                    Code.INVALID,
                    "adapter name " + OneLine.quote(name) + " is not allowed; allowed: 1 to " + MAX_LENGTH
                            + " characters without comma, slash, backslash, control character or space at an end,"
                            + " not starting with sha256:");
        }
    }

    /// That a name stands for nothing, with those of `near` that are most like it.
    ///
    /// @param near some of the names that the caller may know of
    /// @param count how many those are in all
    static AdapterException unknown(String name, Collection<String> near, int count) {
        if (near.isEmpty()) {
            return new AdapterException(Code.NOT_FOUND, "no adapter " + OneLine.quote(name) + "; none is registered");
        }
        List<String> nearestFirst = near.stream()
                .distinct()
                .sorted(Comparator.comparingInt((String other) -> distance(name, other))
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
        String listed = nearestFirst.stream().limit(LISTED).map(OneLine::quote).collect(Collectors.joining(", "));
        int more = count - Math.min(LISTED, nearestFirst.size());
        return new AdapterException(
                Code.NOT_FOUND,
                "no adapter " + OneLine.quote(name) + "; registered, nearest first: " + listed
                        + (more > 0 ? " and " + more + " more" : ""));
    }

    /// Levenshtein's distance, over at most the longest allowed name.
    private static int distance(String left, String right) {
        String from = left.substring(0, Math.min(left.length(), MAX_LENGTH));
        var previous = new int[right.length() + 1];
        for (int j = 0; j < previous.length; j++) {
            previous[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            var current = new int[previous.length];
            current[0] = i;
            for (int j = 1; j < current.length; j++) {
                int replaced = previous[j - 1] + (from.charAt(i - 1) == right.charAt(j - 1) ? 0 : 1);
                current[j] = Math.min(replaced, 1 + Math.min(previous[j], current[j - 1]));
            }
            previous = current;
        }
        return previous[right.length()];
    }
}
