package org.openlora.server.quickstart;

import java.util.ArrayList;
import java.util.List;

/// Breaks text into lines.
final class Wrap {
    private Wrap() {}

    /// Lines of at most `width` characters, broken between words where possible; white space at breaks is dropped.
    static List<String> lines(String text, int width) {
        List<String> lines = new ArrayList<>();
        for (String paragraph : text.lines().toList()) {
            String rest = paragraph.strip();
            while (rest.length() > width) {
                int space = rest.lastIndexOf(' ', width);
                int end = space > 0 ? space : width;
                lines.add(rest.substring(0, end));
                rest = rest.substring(end).strip();
            }
            lines.add(rest);
        }
        return lines;
    }
}
