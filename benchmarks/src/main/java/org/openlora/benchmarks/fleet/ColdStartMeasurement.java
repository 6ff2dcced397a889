package org.openlora.benchmarks.fleet;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.Completion.Outcome;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.LoadSummary.Latency;
import org.openlora.benchmarks.load.Prompt;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.report.FleetReport.ColdStarts;

/// Time to the first token of a request that has the server to itself, by where its adapter lies.
final class ColdStartMeasurement {
    /// The rank that is quoted.
    static final int RANK = 16;

    private static final int TOKENS = 32;

    private final FleetServer server;
    private final FleetSpec spec;
    private final Prompts prompts;
    private final RecencyOrder recency;

    ColdStartMeasurement(FleetServer server, FleetSpec spec, Prompts prompts, RecencyOrder recency) {
        this.server = server;
        this.spec = spec;
        this.prompts = prompts;
        this.recency = recency;
    }

    /// @param count requests of each kind
    /// @param deviceSlots how many adapters asked for since drive one out of the device
    ColdStarts run(int count, int deviceSlots) {
        // In the second round, each has been put out of the device by those behind it, and is still in memory.
        int round = Math.max(count, deviceSlots + 1);
        List<Integer> adapters = IntStream.range(0, round)
                .mapToObj(_ -> recency.takeOldest(adapter -> spec.rank(adapter) == RANK))
                .toList();
        List<Completion> disk = new ArrayList<>();
        adapters.forEach(adapter -> disk.add(ask(adapter, "cold-disk")));
        List<Completion> host = new ArrayList<>();
        List<Completion> resident = new ArrayList<>();
        adapters.forEach(adapter -> host.add(ask(adapter, "cold-host")));
        adapters.forEach(adapter -> {
            var _ = ask(adapter, "cold-before");
            resident.add(ask(adapter, "cold-resident"));
        });
        Latency step = Latency.of(resident.stream().flatMapToDouble(ColdStartMeasurement::stepMillis));
        int failed = (int) Stream.of(disk, host, resident)
                .flatMap(List::stream)
                .filter(answer -> answer.outcome() == Outcome.FAILED)
                .count();
        return ColdStarts.of(RANK, prompts.promptTokens(), step, first(disk), first(host), first(resident), failed);
    }

    private static Latency first(List<Completion> answers) {
        return Latency.of(LoadSummary.firstTokenMillis(answers));
    }

    /// Mean over one answer: a client may take several tokens off the network at once.
    private static DoubleStream stepMillis(Completion answer) {
        int steps = answer.arrivals().size() - 1;
        return steps < 1
                ? DoubleStream.empty()
                : DoubleStream.of(
                        (answer.arrivals().getLast() - answer.arrivals().getFirst()) / 1e6 / steps);
    }

    private Completion ask(int adapter, String salt) {
        Prompt prompt = prompts.at(adapter);
        CompletionRequest request = server.request(adapter, prompt, TOKENS).salted(salt);
        return server.client().complete(request).join();
    }
}
