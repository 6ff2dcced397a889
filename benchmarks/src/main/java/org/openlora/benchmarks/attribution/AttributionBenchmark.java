package org.openlora.benchmarks.attribution;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.benchmarks.attribution.AttributionReport.Half;
import org.openlora.benchmarks.fleet.Fleet;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.CompletionRequest;
import org.openlora.benchmarks.load.CompletionsClient;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.Prompt;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.machine.ProcessorTime;
import org.openlora.benchmarks.report.Provenance;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.ScoringCost;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.ServingStack;

/// Measures what attribution costs: the same requests on one server, with scoring on and held in turn, the order of a
/// pair's sides alternating. Answers of some requests are recorded first and written into the datanets, so that there
/// is evidence to find.
public final class AttributionBenchmark {
    private static final Duration PATIENCE = Duration.ofMinutes(10);
    private static final Tenant TENANT = new Tenant("development", "", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    private static final int ONE = 1_000_000;

    private final AttributionSettings settings;
    private final Prompts prompts;
    private final int vocabulary;
    private final PrintWriter out;

    /// Where everything lies.
    ///
    /// @param root the installation
    /// @param model folder or file of the base
    /// @param folder for datanets and the servers' homes
    public record Place(Path root, Path model, Path folder) {}

    /// @param vocabulary of the model
    /// @param out gets a line for each run
    public AttributionBenchmark(AttributionSettings settings, Prompts prompts, int vocabulary, PrintWriter out) {
        this.settings = settings;
        this.prompts = prompts;
        this.vocabulary = vocabulary;
        this.out = out;
    }

    /// @param fleet whose adapters get manifests with a lineage
    public AttributionReport run(Provenance provenance, Place place, Fleet fleet) {
        List<Path> adapters =
                fleet.spec().names().stream().map(fleet.folder()::resolve).toList();
        Path datanets = place.folder().resolve("datanets");
        try {
            for (Path adapter : adapters) {
                Files.deleteIfExists(adapter.resolve("adapter.yaml"));
            }
            DurableFiles.deleteFolder(datanets);
            Files.createDirectories(datanets);
            try (MeasuredServer server = start(place, fleet, null)) {
                ServingStack stack = server.stack();
                out.println("recording answers");
                out.flush();
                new Corpora(settings, stack::decode, vocabulary)
                        .write(datanets, adapters, fleet.spec().base().toString(), recorded(stack, fleet));
            }
            try (MeasuredServer server = start(place, fleet, datanets)) {
                return measure(provenance, place, server, fleet);
            }
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be written: %s".formatted(place.folder(), Problem.describe(e)),
                    "name another folder with --work",
                    e);
        }
    }

    private MeasuredServer start(Place place, Fleet fleet, @Nullable Path datanets) throws IOException {
        Path home = Files.createTempDirectory(place.folder(), "home-");
        return MeasuredServer.start(place.root(), home, place.model(), fleet.folder(), datanets, settings.streams());
    }

    /// By adapter, the texts of the answers that its datanet will hold.
    private List<List<String>> recorded(ServingStack stack, Fleet fleet) {
        List<List<String>> answers = IntStream.range(0, settings.adapters())
                .<List<String>>mapToObj(_ -> new ArrayList<>())
                .toList();
        int count = (int) Math.rint(settings.requests() * settings.recordedShare());
        List<CompletableFuture<GenerationEvent.Finished>> ends = new ArrayList<>();
        for (int request = 0; request < count; request++) {
            ends.add(submit(stack, fleet, request));
        }
        for (int request = 0; request < count; request++) {
            answers.get(request % settings.adapters())
                    .add(stack.decode(ends.get(request).join().usage().outputTokens()));
        }
        return answers;
    }

    private CompletableFuture<GenerationEvent.Finished> submit(ServingStack stack, Fleet fleet, int request) {
        Prompt prompt = prompts.at(request);
        PromptInput input =
                switch (prompt) {
                    case Prompt.Text(String text) -> new PromptInput.Text(text);
                    case Prompt.Tokens(List<Integer> ids) -> new PromptInput.Tokens(ids);
                };
        String adapter = fleet.spec().names().get(request % settings.adapters());
        CompletableFuture<GenerationEvent.Finished> end = new CompletableFuture<>();
        stack.submit(
                new GenerationCall(
                        null,
                        TENANT,
                        input,
                        List.of(new AdapterChoice.ByName(adapter, ONE)),
                        SamplingParams.builder(settings.maxTokens())
                                .ignoreEos(true)
                                .build(),
                        Instant.now().plus(PATIENCE)),
                event -> {
                    switch (event) {
                        case GenerationEvent.Started _, GenerationEvent.Delta _, GenerationEvent.Attributed _ -> {}
                        case GenerationEvent.Finished finished -> end.complete(finished);
                        case GenerationEvent.Failed(var cause) -> end.completeExceptionally(cause);
                    }
                });
        return end;
    }

    private AttributionReport measure(Provenance provenance, Place place, MeasuredServer server, Fleet fleet) {
        List<String> names = new ArrayList<>(List.of("base"));
        names.addAll(fleet.spec().names());
        Workload workload = new Workload(
                "attribution",
                new Arrivals.ClosedLoop(settings.streams()),
                IntStream.range(0, settings.requests())
                        .mapToObj(i -> i % settings.adapters())
                        .toList());
        List<Half> halves = new ArrayList<>();
        ScoringCost warm;
        try (CompletionsClient client = new CompletionsClient(server.address(), null, PATIENCE)) {
            LoadGenerator generator = new LoadGenerator(
                    client,
                    prompts,
                    names,
                    settings.maxTokens(),
                    settings.provisional() ? CompletionRequest::withAttributions : request -> request);
            out.println("warming up");
            out.flush();
            // Both sides' code is compiled and the corpora are indexed before anything counts.
            half(server, generator, workload, 0, true);
            half(server, generator, workload, 0, false);
            server.stack().meter().resumeScoring();
            server.stack().meter().drain(PATIENCE);
            warm = server.stack().meter().scoringCost();
            for (int pair = 1; pair <= settings.pairs(); pair++) {
                List<Boolean> order = pair % 2 == 1 ? List.of(true, false) : List.of(false, true);
                for (boolean on : order) {
                    Half half = half(server, generator, workload, pair, on);
                    halves.add(half);
                    print(half);
                }
            }
        }
        server.stack().meter().resumeScoring();
        server.stack().meter().drain(PATIENCE);
        return report(provenance, place, server, halves, warm);
    }

    private Half half(MeasuredServer server, LoadGenerator generator, Workload workload, int pair, boolean on) {
        // What waits from a half without scoring is no part of this one.
        server.stack().meter().resumeScoring();
        server.stack().meter().drain(PATIENCE);
        if (!on) {
            server.stack().meter().holdScoring();
        }
        ProcessorTime machine =
                new ProcessorTime(List.of(ProcessHandle.current().pid()));
        ThreadTimes.Clocks start = ThreadTimes.Clocks.read();
        LoadSummary load = LoadSummary.of(checked(generator.run(workload, 0)));
        if (on) {
            server.stack().meter().drain(PATIENCE);
        }
        ThreadTimes times = ThreadTimes.Clocks.read().since(start);
        return new Half(
                pair,
                on,
                load.tokensPerSecond(),
                times.attributionNanos() / 1e9,
                times.servingNanos() / 1e9,
                machine.others().orElse(Double.NaN));
    }

    private static LoadGenerator.Run checked(LoadGenerator.Run run) {
        for (Completion completion : run.completions()) {
            if (completion.problem() != null) {
                throw new Problem("a request failed: " + completion.problem(), "read the server's messages above");
            }
        }
        return run;
    }

    private void print(Half half) {
        out.printf(
                Locale.ROOT,
                "pair %d %-3s  %8.1f tok/s  attribution %.3f s of %.2f s (%.2f %%)  others %.0f %%%n",
                half.pair(),
                half.on() ? "on" : "off",
                half.tokensPerSecond(),
                half.attributionCpuSeconds(),
                half.servingCpuSeconds(),
                100 * half.attributionCpuSeconds() / half.servingCpuSeconds(),
                100 * half.othersShare());
        out.flush();
    }

    private AttributionReport report(
            Provenance provenance, Place place, MeasuredServer server, List<Half> halves, ScoringCost warm) {
        List<Double> losses = new ArrayList<>();
        for (int pair = 1; pair <= settings.pairs(); pair++) {
            losses.add(1 - speed(halves, pair, true) / speed(halves, pair, false));
        }
        double attribution = halves.stream()
                .filter(Half::on)
                .mapToDouble(Half::attributionCpuSeconds)
                .sum();
        double serving = halves.stream()
                .filter(Half::on)
                .mapToDouble(Half::servingCpuSeconds)
                .sum();
        ScoringCost cost = server.stack().meter().scoringCost();
        return new AttributionReport(
                provenance,
                place.model().getFileName().toString(),
                settings.streams(),
                settings.adapters(),
                settings.requests(),
                settings.maxTokens(),
                corpusTokens(server.stack()),
                settings.provisional(),
                evidenceShare(server.stack()),
                halves,
                PairedLoss.of(losses),
                attribution / serving,
                (cost.cpuNanos() - warm.cpuNanos()) / 1e3 / Math.max(1, cost.outputTokens() - warm.outputTokens()));
    }

    private static double speed(List<Half> halves, int pair, boolean on) {
        return halves.stream()
                .filter(half -> half.pair() == pair && half.on() == on)
                .mapToDouble(Half::tokensPerSecond)
                .findFirst()
                .orElseThrow();
    }

    private static long corpusTokens(ServingStack stack) {
        return stack.datanets().all().stream()
                .flatMap(datanet -> datanet.rows().stream())
                .mapToLong(row -> stack.tokenize(new PromptInput.Text(row.text())).length)
                .sum();
    }

    private static double evidenceShare(ServingStack stack) {
        long evidence = 0;
        long tokens = 0;
        long next = 1;
        List<SignedReceipt> page = stack.meter().queries().receipts(next, 1_000);
        while (!page.isEmpty()) {
            for (SignedReceipt signed : page) {
                AttributionRecord record = stack.meter()
                        .queries()
                        .attribution(signed.receipt().seq())
                        .orElseThrow();
                evidence += record.evidenceTokens();
                tokens += record.owners().size();
            }
            next = page.getLast().receipt().seq() + 1;
            page = stack.meter().queries().receipts(next, 1_000);
        }
        return tokens == 0 ? 0 : evidence / (double) tokens;
    }
}
