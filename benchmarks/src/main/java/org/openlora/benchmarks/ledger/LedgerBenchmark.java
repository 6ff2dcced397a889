package org.openlora.benchmarks.ledger;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openlora.benchmarks.machine.ProcessorTime;
import org.openlora.benchmarks.report.LedgerReport;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.meter.DatanetOptions;
import org.openlora.meter.Meter;
import org.openlora.meter.MeterOptions;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.UsageRow;

/// Fills an empty ledger through the real meter: rows are committed in groups and acknowledged, scored by span
/// evidence, priced, signed and stored. Then seals them all and verifies them.
public final class LedgerBenchmark {
    private static final Duration LIMIT = Duration.ofHours(1);
    private static final long CHAIN = 31_337;
    private static final OperatorKey KEY = OperatorKey.ofHex("0b".repeat(32));
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Path root;
    private final Settings settings;

    /// @param receipts rows of each run
    /// @param warmUp rows of a ledger of its own before, so that the compiler has seen everything
    /// @param atOnce rows under way at any moment
    public record Settings(int receipts, int warmUp, int atOnce, int promptTokens, int outputTokens) {
        public Settings {
            if (receipts < 1 || warmUp < 0 || atOnce < 1) {
                throw new IllegalArgumentException("receipts and rows at once must be 1 or more, the warm-up not less"
                        + " than 0: " + receipts + ", " + atOnce + ", " + warmUp);
            }
            if (promptTokens < 2 || outputTokens < 2 || outputTokens > 512 || promptTokens > 100_000) {
                throw new IllegalArgumentException("allowed are prompts of 2 to 100000 tokens and answers of 2 to 512: "
                        + promptTokens + ", " + outputTokens);
            }
        }
    }

    /// @param root the installation, whose model, example datanets and price book are used
    public LedgerBenchmark(Path root, Settings settings) {
        this.root = root;
        this.settings = settings;
    }

    /// Fills a ledger in SQLite.
    ///
    /// @param folder an empty one, on the disk that is measured
    public LedgerReport.Run sqlite(Path folder) throws IOException {
        if (settings.warmUp() > 0) {
            fill("sqlite", LedgerLocation.of(folder.resolve("warm-up")), settings.warmUp());
        }
        return fill("sqlite", LedgerLocation.of(folder.resolve("ledger")), settings.receipts());
    }

    /// Fills a ledger in a database of a PostgreSQL server, which must be empty.
    ///
    /// @param folder an empty one, of the batch files
    public LedgerReport.Run postgres(Path folder, DatabaseLocation.PostgresServer server) throws IOException {
        return fill("postgresql", new LedgerLocation(folder, server), settings.receipts());
    }

    private static List<Datanet> datanets(Path folder) throws IOException {
        List<Datanet> datanets = new ArrayList<>();
        try (Stream<Path> entries = Files.list(folder)) {
            for (Path entry : entries.sorted().toList()) {
                datanets.add(Datanet.read(entry));
            }
        }
        return datanets;
    }

    private LedgerReport.Run fill(String database, LedgerLocation location, int count) throws IOException {
        Tokenizer tokenizer = Tokenizers.open(root.resolve("models/openlora-tiny"));
        List<Datanet> datanets = datanets(root.resolve("examples/datanets"));
        MeterOptions options = new MeterOptions(
                location,
                new LedgerIdentity(
                        Keccak256.hash("bench stream"),
                        Keccak256.hash("bench operator"),
                        Eip712Domain.ledger(CHAIN, Address.ZERO),
                        KEY),
                DatanetOptions.of(location.folder(), registry -> datanets.forEach(registry::register)),
                Map.of(Bytes32.of(tokenizer.digest().bytes()), tokenizer::encode),
                PriceBook.read(root.resolve("config/pricebook.yaml")),
                Duration.ofDays(1));
        try (Meter meter = Meter.open(options)) {
            List<UsageRow> rows = rows(
                    meter, new UsageRows(datanets, tokenizer, settings.promptTokens(), settings.outputTokens()), count);
            ProcessorTime machine =
                    new ProcessorTime(List.of(ProcessHandle.current().pid()));
            SortedMap<String, Double> before = threadSeconds();
            double processorBefore = processSeconds();
            long start = System.nanoTime();
            commit(meter, rows);
            double commitSeconds = since(start);
            meter.drain(LIMIT);
            double ingestSeconds = since(start);
            SortedMap<String, Double> threads = threadSeconds();
            double processor = processSeconds() - processorBefore;
            double others = machine.others().orElse(0);
            threads.replaceAll((name, seconds) -> seconds - before.getOrDefault(name, 0.0));
            threads.values().removeIf(seconds -> seconds < 0.01);

            long sealing = System.nanoTime();
            long sealed = meter.seal().orElseThrow().header().count();
            double sealSeconds = since(sealing);
            long verifying = System.nanoTime();
            long verified = meter.queries().verify(KEY.address());
            double verifySeconds = since(verifying);
            if (verified != count || sealed != Math.min(count, 100_000)) {
                throw new IllegalStateException(
                        count + " rows became " + verified + " receipts, of which " + sealed + " were sealed");
            }
            return new LedgerReport.Run(
                    database,
                    settings.promptTokens(),
                    settings.outputTokens(),
                    count,
                    ingestSeconds,
                    commitSeconds,
                    meter.commitStats().commits(),
                    processor,
                    threads,
                    sealSeconds,
                    verifySeconds,
                    bytes(location),
                    others);
        }
    }

    private static List<UsageRow> rows(Meter meter, UsageRows maker, int count) {
        List<UsageRow> rows = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            AdapterUsage adapter = maker.nextAdapter();
            rows.add(maker.next(meter.versionsFor(List.of(adapter))));
        }
        return rows;
    }

    /// As many at once as responses would end at once; each acknowledgement makes room for the next.
    private void commit(Meter meter, List<UsageRow> rows) {
        Semaphore underWay = new Semaphore(settings.atOnce());
        List<CompletableFuture<?>> commits = new ArrayList<>(rows.size());
        for (UsageRow row : rows) {
            underWay.acquireUninterruptibly();
            commits.add(meter.commit(row).whenComplete((_, _) -> underWay.release()));
        }
        CompletableFuture.allOf(commits.toArray(CompletableFuture<?>[]::new)).join();
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / (double) TimeUnit.SECONDS.toNanos(1);
    }

    private static double processSeconds() {
        return ProcessHandle.current()
                .info()
                .totalCpuDuration()
                .map(time -> time.toNanos() / 1e9)
                .orElse(0.0);
    }

    private static SortedMap<String, Double> threadSeconds() {
        SortedMap<String, Double> seconds = new TreeMap<>();
        for (ThreadInfo thread : THREADS.getThreadInfo(THREADS.getAllThreadIds())) {
            if (thread != null) {
                long nanos = THREADS.getThreadCpuTime(thread.getThreadId());
                seconds.merge(thread.getThreadName(), Math.max(0, nanos) / 1e9, Double::sum);
            }
        }
        return seconds;
    }

    private static long bytes(LedgerLocation location) throws IOException {
        return switch (location.database()) {
            case DatabaseLocation.PostgresServer _ -> 0;
            case DatabaseLocation.SqliteFile(Path file) -> {
                try (Stream<Path> files =
                        Files.list(Objects.requireNonNull(file.toAbsolutePath().getParent()))) {
                    yield files.filter(each -> each.getFileName()
                                    .toString()
                                    .startsWith(file.getFileName().toString()))
                            .mapToLong(LedgerBenchmark::size)
                            .sum();
                }
            }
        };
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
