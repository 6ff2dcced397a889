package org.openlora.benchmarks.fleet;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.report.FleetReport;
import org.openlora.benchmarks.report.FleetReport.FleetFacts;
import org.openlora.benchmarks.report.FleetReport.Memory;
import org.openlora.benchmarks.report.FleetReport.Startup;
import org.openlora.benchmarks.report.Provenance;

/// All measurements of a fleet, on a server of its own.
///
/// The parts go from the crowd to the single request, so that each finds the server as warm as the one before left
/// it; each comparison runs its two sides in turn.
public final class FleetBenchmark {
    private static final int WARM_UP_TOKENS = 8;
    private static final double MEBIBYTE = 1 << 20;

    private final FleetSettings settings;
    private final Prompts prompts;
    private final PrintWriter out;

    /// @param root the installation
    /// @param model name or path of the base
    /// @param homes where the servers keep their state; a folder of its own for each
    /// @param log output of the servers
    public record Place(Path root, String model, Path homes, Path log) {}

    public FleetBenchmark(FleetSettings settings, Prompts prompts, PrintWriter out) {
        this.settings = settings;
        this.prompts = prompts;
        this.out = out;
    }

    /// @param all everything that is registered
    /// @param few the first of them, in a folder of their own
    public FleetReport run(Provenance provenance, Place place, Fleet all, Fleet few, Room room)
            throws InterruptedException {
        requireColdAndResident(all, room);
        FleetServer.Launch launch = new FleetServer.Launch(
                place.root(), place.model(), room, place.homes().resolve("all"), place.log());
        double firstSeconds;
        try (FleetServer server = FleetServer.start(launch, all)) {
            firstSeconds = server.readySeconds();
            out.printf("ready after %.1f s with an empty home%n", firstSeconds);
            out.flush();
        }
        try (FleetServer server = FleetServer.start(launch, all)) {
            Startup startup = new Startup(firstSeconds, server.readySeconds());
            out.printf("ready after %.1f s again%n%s%n", startup.againSeconds(), server.describe());
            out.flush();
            warmUp(server);
            try (MemoryWatch memory = new MemoryWatch(server.pid(), "zipf")) {
                return measure(provenance, place, all, few, room, startup, server, memory);
            }
        }
    }

    private FleetReport measure(
            Provenance provenance,
            Place place,
            Fleet all,
            Fleet few,
            Room room,
            Startup startup,
            FleetServer server,
            MemoryWatch memory)
            throws InterruptedException {
        RecencyOrder recency = new RecencyOrder(all.spec().adapters());
        Counters counters = new Counters(server);
        FleetReport.Answers answers =
                counters.during("zipf", () -> new AnswerCheck(server, all, prompts, settings).run(recency, out));
        memory.phase("stalls");
        FleetReport.Stalls stalls =
                counters.during("stalls", () -> new StallMeasurement(server, prompts, settings, recency, out).run());
        memory.phase("cold starts");
        FleetReport.ColdStarts coldStarts =
                counters.during("coldStarts", () -> new ColdStartMeasurement(server, all.spec(), prompts, recency)
                        .run(settings.coldStarts(), room.deviceSlots()));
        memory.phase("registered");
        FleetReport.Registered registered;
        FleetServer.Launch beside = new FleetServer.Launch(
                place.root(), place.model(), room, place.homes().resolve("few"), place.log());
        try (FleetServer other = FleetServer.start(beside, few)) {
            registered = counters.during("registered", () -> new RegisteredMeasurement(prompts, settings, out)
                    .run(server, other, all.spec().adapters()));
        }
        return new FleetReport(
                provenance,
                server.describe(),
                facts(all, room),
                startup,
                answers,
                stalls,
                registered,
                coldStarts,
                Memory.of(room.hostMebibytes(), memory.samples()),
                counters.deltas);
    }

    private static FleetFacts facts(Fleet fleet, Room room) {
        FleetSpec spec = fleet.spec();
        return new FleetFacts(
                spec.adapters(),
                spec.minRank(),
                spec.maxRank(),
                spec.targets(),
                spec.seed(),
                fleet.bytes() / MEBIBYTE,
                room.hostMebibytes(),
                room.hostAdapters(),
                room.deviceSlots());
    }

    /// Compiles the server's hot paths and opens the connections, with the bare base: no adapter is asked for yet.
    private void warmUp(FleetServer server) {
        Workload base = new Workload(
                "warm-up",
                new Arrivals.ClosedLoop(settings.streams()),
                Popularity.NONE.choose(2 * settings.streams(), 0, settings.seed()));
        var _ = server.generator(prompts, WARM_UP_TOKENS).run(base, 0);
    }

    /// What the server says it counted during each part.
    private static final class Counters {
        final Map<String, Map<String, Double>> deltas = new LinkedHashMap<>();
        private final FleetServer server;

        Counters(FleetServer server) {
            this.server = server;
        }

        <T> T during(String part, Supplier<T> action) {
            Map<String, Double> before = server.client().metrics();
            T result = action.get();
            Map<String, Double> delta = new TreeMap<>();
            server.client().metrics().forEach((name, value) -> {
                double grown = value - before.getOrDefault(name, 0.0);
                if (grown != 0) {
                    delta.put(name, grown);
                }
            });
            deltas.put(part, delta);
            return result;
        }
    }

    /// What is to stay resident must fit, and what is to be cold must not.
    private void requireColdAndResident(Fleet fleet, Room room) {
        int resident = Math.max(settings.few(), settings.residentStreams() + StallMeasurement.WARM_VISITORS);
        if (resident > room.deviceSlots()) {
            throw new IllegalArgumentException(
                    "%d adapters are to stay resident and the device has room for %d: fewer streams, or more room"
                            .formatted(resident, room.deviceSlots()));
        }
        if (fleet.spec().adapters() <= room.hostAdapters()) {
            throw new IllegalArgumentException(
                    "memory has room for %d of %d adapters, so that none is cold: more adapters, or less room"
                            .formatted(room.hostAdapters(), fleet.spec().adapters()));
        }
    }
}
