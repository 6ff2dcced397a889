package org.openlora.benchmarks.fleet;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.Completion.Outcome;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.LoadSummary.Latency;
import org.openlora.benchmarks.load.Percentiles;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.report.FleetReport.Pair;
import org.openlora.benchmarks.report.FleetReport.Side;
import org.openlora.benchmarks.report.FleetReport.Stalls;

/// What answers of resident adapters notice of others' loading.
///
/// The same traffic twice: streams that each stay with a resident adapter, and short requests that arrive as a
/// Poisson process beside them. On one side the arrivals name adapters that lie on the disk, on the other resident
/// ones; so both sides compute the same rows, and only the loads are more.
final class StallMeasurement {
    /// Resident adapters that the arrivals without loads take in turn; with the streams' own they fit on the device.
    static final int WARM_VISITORS = 4;

    private static final int VISITOR_TOKENS = 4;

    private final FleetServer server;
    private final Prompts prompts;
    private final FleetSettings settings;
    private final RecencyOrder recency;
    private final PrintWriter out;

    StallMeasurement(
            FleetServer server, Prompts prompts, FleetSettings settings, RecencyOrder recency, PrintWriter out) {
        this.server = server;
        this.prompts = prompts;
        this.settings = settings;
        this.recency = recency;
        this.out = out;
    }

    Stalls run() {
        List<Pair> pairs = new ArrayList<>();
        List<Double> without = new ArrayList<>();
        List<Double> with = new ArrayList<>();
        for (int repetition = 0; repetition < settings.repetitions(); repetition++) {
            // Which side comes first changes from one repetition to the next, lest drift favour one.
            boolean coldFirst = repetition % 2 == 1;
            Measured first = side(repetition, coldFirst);
            Measured second = side(repetition, !coldFirst);
            Measured cold = coldFirst ? first : second;
            Measured warm = coldFirst ? second : first;
            with.addAll(cold.gapsMillis);
            without.addAll(warm.gapsMillis);
            Pair pair = new Pair(warm.side(), cold.side());
            pairs.add(pair);
            out.printf(
                    Locale.ROOT,
                    "stalls rep %d: ITL p50/p99/max %.2f/%.2f/%.2f ms without loads, %.2f/%.2f/%.2f ms with %d%n",
                    repetition,
                    pair.without().itl().p50Millis(),
                    pair.without().itl().p99Millis(),
                    pair.without().itl().maxMillis(),
                    pair.with().itl().p50Millis(),
                    pair.with().itl().p99Millis(),
                    pair.with().itl().maxMillis(),
                    pair.with().visitors());
            out.flush();
        }
        return Stalls.of(pairs, percentiles(without), percentiles(with));
    }

    /// @param gapsMillis between two tokens of one resident answer, while visitors came
    private record Measured(List<Double> gapsMillis, int visitors, int failed, double visitorTtftMillis) {
        Side side() {
            return new Side(
                    Latency.of(gapsMillis.stream().mapToDouble(Double::doubleValue)),
                    gapsMillis.size(),
                    visitors,
                    failed,
                    visitorTtftMillis);
        }
    }

    private Measured side(int repetition, boolean cold) {
        int count = (int) Math.max(1, Math.rint(settings.seconds() * settings.coldLoadsPerSecond()));
        int resident = settings.residentStreams();
        // Whatever went before, the resident ones are resident when it begins.
        IntStream.range(0, resident + WARM_VISITORS).forEach(this::ask);
        List<Integer> visitors = IntStream.range(0, count)
                .mapToObj(i -> cold
                        ? recency.takeOldest(adapter -> adapter >= resident + WARM_VISITORS)
                        : resident + i % WARM_VISITORS)
                .toList();
        String salt = "stall-%d-%b".formatted(repetition, cold);
        ResidentStreams streams = new ResidentStreams(server, prompts, settings.maxTokens(), salt);
        LoadGenerator arrivals = new LoadGenerator(
                server.client(), prompts, server.modelNames(), VISITOR_TOKENS, request -> request.salted(salt));
        streams.start(resident);
        long begin = System.nanoTime();
        List<Completion> visits = arrivals.run(
                        new Workload(
                                "visitors",
                                new Arrivals.OpenLoop(settings.coldLoadsPerSecond(), settings.seed() + repetition),
                                visitors),
                        repetition)
                .completions();
        long end = System.nanoTime();
        List<Completion> answers = streams.end();
        List<Double> gaps = answers.stream()
                .flatMap(answer -> gaps(answer.arrivals(), begin, end).boxed())
                .toList();
        List<Completion> all = new ArrayList<>(answers);
        all.addAll(visits);
        return new Measured(
                gaps,
                count,
                (int) all.stream()
                        .filter(answer -> answer.outcome() == Outcome.FAILED)
                        .count(),
                new Percentiles(org.openlora.benchmarks.load.LoadSummary.firstTokenMillis(visits)).at(50));
    }

    private void ask(int adapter) {
        recency.touch(adapter);
        server.client()
                .complete(server.request(adapter, prompts.at(adapter), VISITOR_TOKENS))
                .join();
    }

    private static DoubleStream gaps(List<Long> arrivals, long begin, long end) {
        return IntStream.range(1, arrivals.size())
                .filter(i -> arrivals.get(i - 1) >= begin && arrivals.get(i) <= end)
                .mapToDouble(i -> (arrivals.get(i) - arrivals.get(i - 1)) / 1e6);
    }

    private static List<Double> percentiles(List<Double> millis) {
        Percentiles percentiles = new Percentiles(millis.stream().mapToDouble(Double::doubleValue));
        return IntStream.rangeClosed(0, 1000)
                .mapToObj(permille -> Math.rint(1e3 * percentiles.at(permille / 10.0)) / 1e3)
                .toList();
    }
}
