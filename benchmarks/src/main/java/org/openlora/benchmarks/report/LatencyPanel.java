package org.openlora.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// Cumulative distributions over a logarithmic axis of milliseconds.
///
/// @param left of the axis, in pixels
/// @param right of the axis, in pixels
record LatencyPanel(Svg svg, int left, int right, int height) {
    private static final int DECADE_STEP = 10;
    private static final String GRID = "#d9d9d9";
    private static final String AXIS = "#888888";
    private static final List<String> COLORS =
            List.of("#2166ac", "#b2182b", "#1b7837", "#762a83", "#e08214", "#35978f", "#c51b7d", "#4d4d4d", "#8c510a");

    /// @param quantiles ascending, equally far apart in share, from the least to the most
    record Curve(String name, List<Double> quantiles) {}

    void draw(int top, String title, List<Curve> curves) {
        double most = curves.stream()
                .flatMap(curve -> curve.quantiles().stream())
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(1);
        int decades = Math.max(1, (int) Math.ceil(Math.log10(Math.max(most, 1.01))));
        int bottom = top + height;
        svg.text(left, top - 6, "start", title + "; share of all");
        for (int share = 0; share <= 100; share += 25) {
            double y = bottom - height * share / 100.0;
            svg.line(left, y, right, y, GRID);
            svg.text(left - 8, y + 4, "end", share + " %");
        }
        for (int decade = 0; decade <= decades; decade++) {
            double x = x(Math.pow(DECADE_STEP, decade), decades);
            svg.line(x, bottom, x, bottom + 4, AXIS);
            svg.text(x, bottom + 18, "middle", String.format(Locale.ROOT, "%.0f", Math.pow(DECADE_STEP, decade)));
        }
        for (int i = 0; i < curves.size(); i++) {
            List<Double> values = curves.get(i).quantiles();
            String color = COLORS.get(i % COLORS.size());
            String points = IntStream.range(0, values.size())
                    .mapToObj(p -> String.format(
                            Locale.ROOT,
                            "%.1f,%.1f",
                            x(values.get(p), decades),
                            bottom - height * (double) p / Math.max(1, values.size() - 1)))
                    .collect(Collectors.joining(" "));
            svg.curve(points, color);
            double legend = left + (double) i * (right - left) / curves.size();
            svg.bar(legend, bottom + 28, 10, 10, color);
            svg.text(legend + 14, bottom + 38, "start", curves.get(i).name());
        }
    }

    private double x(double millis, int decades) {
        return left + (right - left) * Math.log10(Math.max(millis, 1)) / decades;
    }
}
