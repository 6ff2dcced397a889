package org.openlora.adapters;

import java.util.Comparator;

/// The order of names wherever a digest depends on it: unsigned bytes of their UTF-8 form.
public final class Utf8 {
    /// Code-point order, which is UTF-8's byte order; [String#compareTo] differs from it beyond the basic plane.
    public static final Comparator<String> BYTE_ORDER = Utf8::compareCodePoints;

    private Utf8() {}

    /// Whether `text` has a UTF-8 form, that is, no unpaired surrogate.
    public static boolean isEncodable(String text) {
        return text.codePoints().noneMatch(c -> Character.getType(c) == Character.SURROGATE);
    }

    private static int compareCodePoints(String left, String right) {
        int index = 0;
        while (index < left.length() && index < right.length()) {
            int a = left.codePointAt(index);
            int b = right.codePointAt(index);
            if (a != b) {
                return Integer.compare(a, b);
            }
            index += Character.charCount(a);
        }
        return Integer.compare(left.length(), right.length());
    }
}
