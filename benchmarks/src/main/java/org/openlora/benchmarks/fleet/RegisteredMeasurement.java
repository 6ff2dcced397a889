package org.openlora.benchmarks.fleet;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.report.FleetReport.Registered;
import org.openlora.benchmarks.report.FleetReport.ThroughputPair;

/// What adapters cost that are registered and not asked for: the same traffic, over the same resident adapters, on a
/// server that knows the whole fleet and on one that knows those alone.
final class RegisteredMeasurement {
    private final Prompts prompts;
    private final FleetSettings settings;
    private final PrintWriter out;

    RegisteredMeasurement(Prompts prompts, FleetSettings settings, PrintWriter out) {
        this.prompts = prompts;
        this.settings = settings;
        this.out = out;
    }

    Registered run(FleetServer many, FleetServer few, int registered) {
        // Compiles the hot paths of the server that has just been started, and brings the resident set in.
        measure(few, "warm-up");
        measure(many, "warm-up");
        List<ThroughputPair> pairs = new ArrayList<>();
        for (int repetition = 0; repetition < settings.repetitions(); repetition++) {
            String salt = "registered-" + repetition;
            boolean manyFirst = repetition % 2 == 0;
            LoadSummary first = measure(manyFirst ? many : few, salt);
            LoadSummary second = measure(manyFirst ? few : many, salt);
            ThroughputPair pair = manyFirst ? new ThroughputPair(first, second) : new ThroughputPair(second, first);
            pairs.add(pair);
            out.printf(
                    Locale.ROOT,
                    "registered rep %d: %.1f tok/s with %d, %.1f tok/s with %d%n",
                    repetition,
                    pair.many().tokensPerSecond(),
                    registered,
                    pair.few().tokensPerSecond(),
                    settings.few());
            out.flush();
        }
        return Registered.of(registered, settings.few(), pairs);
    }

    private LoadSummary measure(FleetServer server, String salt) {
        LoadGenerator generator = new LoadGenerator(
                server.client(),
                prompts,
                server.modelNames(),
                settings.maxTokens(),
                request -> request.salted(salt));
        int requests = Math.max(settings.streams(), settings.requests() / settings.repetitions());
        Workload workload = new Workload(
                "registered",
                new Arrivals.ClosedLoop(settings.streams()),
                Popularity.DISTINCT.choose(requests, settings.few(), settings.seed()));
        return LoadSummary.of(generator.run(workload, 0));
    }
}
