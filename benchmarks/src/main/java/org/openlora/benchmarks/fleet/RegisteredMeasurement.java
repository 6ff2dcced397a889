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
        int requests = warmUp(many, warmUp(few, settings.streams()));
        List<ThroughputPair> pairs = new ArrayList<>();
        for (int repetition = 0; repetition < settings.repetitions(); repetition++) {
            String salt = "registered-" + repetition;
            boolean manyFirst = repetition % 2 == 0;
            LoadSummary first = measure(manyFirst ? many : few, requests, salt);
            LoadSummary second = measure(manyFirst ? few : many, requests, salt);
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

    /// Brings the resident set in and compiles the hot paths of a server that has just been started.
    ///
    /// @return requests that it answers in the time of one side of a comparison
    private int warmUp(FleetServer server, int requests) {
        int sent = requests;
        for (double seconds = 0; seconds < 2 * settings.seconds(); ) {
            LoadSummary load = measure(server, sent, "warm-up-" + seconds);
            seconds += load.wallSeconds();
            double perSecond = load.requests() / load.wallSeconds();
            sent = Math.max(settings.streams(), (int) Math.rint(settings.seconds() * perSecond));
        }
        return sent;
    }

    private LoadSummary measure(FleetServer server, int requests, String salt) {
        LoadGenerator generator = new LoadGenerator(
                server.client(), prompts, server.modelNames(), settings.maxTokens(), request -> request.salted(salt));
        Workload workload = new Workload(
                "registered",
                new Arrivals.ClosedLoop(settings.streams()),
                Popularity.DISTINCT.choose(requests, settings.few(), settings.seed()));
        return LoadSummary.of(generator.run(workload, 0));
    }
}
