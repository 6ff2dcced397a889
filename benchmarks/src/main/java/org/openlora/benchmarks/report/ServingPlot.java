package org.openlora.benchmarks.report;

import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.openlora.benchmarks.report.ServingReport.WorkloadReport;
import org.openlora.benchmarks.roofline.Roofline;

/// Throughput of each workload before its limit, and the distributions of both latencies below.
public final class ServingPlot {
    private static final int WIDTH = 860;
    private static final int LEFT = 70;
    private static final int RIGHT = 20;
    private static final int PANEL_HEIGHT = 220;
    private static final int PANEL_GAP = 90;
    private static final int TOP = 70;
    private static final String MEASURED = "#2166ac";
    private static final String LIMIT = "#d9d9d9";
    private static final String AXIS = "#888888";

    private ServingPlot() {}

    /// The whole picture.
    public static String of(ServingReport report) {
        int height = TOP + 3 * (PANEL_HEIGHT + PANEL_GAP);
        Svg svg = new Svg(WIDTH, height);
        Provenance provenance = report.provenance();
        svg.text(
                LEFT,
                22,
                "start",
                "%s · %s"
                        .formatted(
                                provenance.machine().processor(),
                                provenance.machine().slug()));
        svg.text(LEFT, 40, "start", "%s · commit %s".formatted(provenance.startedAt(), provenance.commit()));
        throughput(svg, TOP, report.workloads());
        latency(
                svg,
                TOP + PANEL_HEIGHT + PANEL_GAP,
                "time to first token, ms",
                report.workloads(),
                workload -> workload.distribution().ttftMillis());
        latency(
                svg,
                TOP + 2 * (PANEL_HEIGHT + PANEL_GAP),
                "inter-token latency, ms",
                report.workloads(),
                workload -> workload.distribution().itlMillis());
        return svg.end();
    }

    private static void throughput(Svg svg, int top, List<WorkloadReport> workloads) {
        double highest = workloads.stream()
                .mapToDouble(workload -> Math.max(workload.median().tokensPerSecond(), limit(workload)))
                .max()
                .orElse(1);
        int bottom = top + PANEL_HEIGHT;
        svg.text(LEFT, top - 6, "start", "output tokens/s; grey: what bytes and operations allow");
        svg.line(LEFT, bottom, WIDTH - RIGHT, bottom, AXIS);
        double slot = (double) (WIDTH - LEFT - RIGHT) / Math.max(1, workloads.size());
        for (int i = 0; i < workloads.size(); i++) {
            WorkloadReport workload = workloads.get(i);
            double x = LEFT + slot * i + slot * 0.15;
            double measured = workload.median().tokensPerSecond() / highest * (PANEL_HEIGHT - 20);
            double allowed = limit(workload) / highest * (PANEL_HEIGHT - 20);
            svg.bar(x, bottom - allowed, slot * 0.7, allowed, LIMIT);
            svg.bar(x + slot * 0.1, bottom - measured, slot * 0.5, measured, MEASURED);
            Double fraction = workload.median().fraction();
            String label = String.format(Locale.ROOT, "%.0f", workload.median().tokensPerSecond())
                    + (fraction == null ? "" : String.format(Locale.ROOT, " (%.0f %%)", 100 * fraction));
            svg.text(x + slot * 0.35, bottom - Math.max(measured, allowed) - 4, "middle", label);
            svg.text(x + slot * 0.35, bottom + 16, "middle", workload.name());
        }
    }

    private static double limit(WorkloadReport workload) {
        Roofline.Limit limit = workload.limit();
        return limit == null ? 0 : limit.tokensPerSecond();
    }

    private static void latency(
            Svg svg,
            int top,
            String title,
            List<WorkloadReport> workloads,
            Function<WorkloadReport, List<Double>> percentiles) {
        new LatencyPanel(svg, LEFT, WIDTH - RIGHT, PANEL_HEIGHT)
                .draw(
                        top,
                        title,
                        workloads.stream()
                                .map(workload -> new LatencyPanel.Curve(workload.name(), percentiles.apply(workload)))
                                .toList());
    }
}
