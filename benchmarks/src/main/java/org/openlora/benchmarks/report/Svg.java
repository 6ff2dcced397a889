package org.openlora.benchmarks.report;

import java.util.Locale;

/// Writes the few SVG elements that a plot needs.
final class Svg {
    private final StringBuilder text = new StringBuilder();

    Svg(int width, int height) {
        add("""
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="%2$d" viewBox="0 0 %1$d %2$d"\
                 font-family="sans-serif" font-size="12">
                <rect width="%1$d" height="%2$d" fill="white"/>""".formatted(width, height));
    }

    /// @param anchor `start`, `middle` or `end`
    void text(double x, double y, String anchor, String content) {
        add("<text x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>"
                .formatted(number(x), number(y), anchor, escaped(content)));
    }

    void bar(double x, double y, double width, double height, String color) {
        add("<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"%s\"/>"
                .formatted(number(x), number(y), number(width), number(Math.max(0, height)), color));
    }

    void line(double x1, double y1, double x2, double y2, String color) {
        add("<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\"/>"
                .formatted(number(x1), number(y1), number(x2), number(y2), color));
    }

    void curve(String points, String color) {
        add("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>".formatted(points, color));
    }

    String end() {
        return text + "</svg>\n";
    }

    private void add(String element) {
        text.append(element).append('\n');
    }

    /// One decimal is finer than any screen.
    private static String number(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static String escaped(String content) {
        return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }
}
