package org.openlora.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.openlora.benchmarks.report.FleetReport.ColdStarts;
import org.openlora.benchmarks.report.FleetReport.Memory;
import org.openlora.benchmarks.report.FleetReport.MemorySample;

/// What a fleet costs, in three pictures: latency beside cold loads, cold starts, memory over time.
public final class FleetPlot {
    private static final int WIDTH = 860;
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int PANEL_HEIGHT = 220;
    private static final int PANEL_GAP = 90;
    private static final int TOP = 70;
    private static final String MEASURED = "#2166ac";
    private static final String GRID = "#d9d9d9";
    private static final String AXIS = "#888888";
    private static final String BOUND = "#b2182b";

    private FleetPlot() {}

    /// The whole picture.
    public static String of(FleetReport report) {
        Svg svg = new Svg(WIDTH, TOP + 3 * (PANEL_HEIGHT + PANEL_GAP));
        Provenance provenance = report.provenance();
        svg.text(
                LEFT,
                22,
                "start",
                "%s · %s · %d adapters"
                        .formatted(
                                provenance.machine().processor(),
                                provenance.machine().slug(),
                                report.fleet().adapters()));
        svg.text(LEFT, 40, "start", "%s · commit %s".formatted(provenance.startedAt(), provenance.commit()));
        new LatencyPanel(svg, LEFT, WIDTH - RIGHT, PANEL_HEIGHT)
                .draw(
                        TOP,
                        "inter-token latency of resident adapters, ms",
                        List.of(
                                new LatencyPanel.Curve(
                                        "without loads", report.stalls().withoutMillis()),
                                new LatencyPanel.Curve(
                                        "with cold loads", report.stalls().withMillis())));
        coldStarts(svg, TOP + PANEL_HEIGHT + PANEL_GAP, report.coldStarts());
        memory(svg, TOP + 2 * (PANEL_HEIGHT + PANEL_GAP), report.memory());
        return svg.end();
    }

    private record Bar(String name, double millis) {}

    private static void coldStarts(Svg svg, int top, ColdStarts starts) {
        List<Bar> bars = List.of(
                new Bar("decode step", starts.step().p50Millis()),
                new Bar("resident", starts.resident().p50Millis()),
                new Bar("in memory", starts.host().p50Millis()),
                new Bar("on the disk", starts.disk().p50Millis()));
        double highest = Math.max(bars.stream().mapToDouble(Bar::millis).max().orElse(1), Math.ulp(1.0));
        int bottom = top + PANEL_HEIGHT;
        svg.text(
                LEFT,
                top - 6,
                "start",
                "time to first token alone, ms, medians; rank %d, %d prompt tokens"
                        .formatted(starts.rank(), starts.promptTokens()));
        svg.line(LEFT, bottom, WIDTH - RIGHT, bottom, AXIS);
        double slot = (double) (WIDTH - LEFT - RIGHT) / bars.size();
        for (int i = 0; i < bars.size(); i++) {
            double x = LEFT + slot * (i + 0.25);
            double height = bars.get(i).millis() / highest * (PANEL_HEIGHT - 20);
            svg.bar(x, bottom - height, slot / 2, height, MEASURED);
            svg.text(
                    x + slot / 4,
                    bottom - height - 4,
                    "middle",
                    String.format(Locale.ROOT, "%.1f", bars.get(i).millis()));
            svg.text(x + slot / 4, bottom + 16, "middle", bars.get(i).name());
        }
    }

    private static void memory(Svg svg, int top, Memory memory) {
        double bound = memory.beforeMebibytes() + memory.adapterMebibytes();
        double highest = 1.05 * Math.max(Math.max(memory.peakMebibytes(), bound), 1);
        double seconds = memory.samples().isEmpty()
                ? 1
                : Math.max(1, memory.samples().getLast().seconds());
        int bottom = top + PANEL_HEIGHT;
        svg.text(LEFT, top - 6, "start", "the server's memory, MiB; red: before any adapter, and with all their room");
        svg.line(LEFT, bottom, WIDTH - RIGHT, bottom, AXIS);
        for (double level : List.of(memory.beforeMebibytes(), bound)) {
            double y = bottom - PANEL_HEIGHT * level / highest;
            svg.line(LEFT, y, WIDTH - RIGHT, y, BOUND);
            svg.text(LEFT - 8, y + 4, "end", String.format(Locale.ROOT, "%.0f", level));
        }
        svg.curve(
                memory.samples().stream()
                        .map(sample -> String.format(
                                Locale.ROOT,
                                "%.1f,%.1f",
                                x(sample.seconds(), seconds),
                                bottom - PANEL_HEIGHT * sample.mebibytes() / highest))
                        .collect(Collectors.joining(" ")),
                MEASURED);
        String phase = "";
        for (MemorySample sample : memory.samples()) {
            if (!sample.phase().equals(phase)) {
                phase = sample.phase();
                double x = x(sample.seconds(), seconds);
                svg.line(x, top, x, bottom + 4, GRID);
                svg.text(x + 2, bottom + 16, "start", phase);
            }
        }
    }

    private static double x(double seconds, double all) {
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / all;
    }
}
