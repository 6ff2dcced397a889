package org.openlora.benchmarks.anchoring;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.chain.BatchFlusher;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.ledger.Ledger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Campaigns of faults against the flusher, each on a chain and a ledger of its own. Whatever happens, in the end each
/// batch is on the canonical chain exactly once, with the receipts' root and totals.
public final class FaultCampaign {
    private static final Logger LOG = LoggerFactory.getLogger(FaultCampaign.class);
    private static final Duration LIMIT = Duration.ofMinutes(10);
    private static final long HANG_MILLIS = 1_200;

    private final Path anvil;
    private final Path folder;
    private final long seed;
    private int started;

    /// How one campaign went.
    ///
    /// @param batches how many there were
    /// @param operatorTransactions of the operator's account on the final chain; more than batches where nonces
    ///     were stolen or a batch was sent twice
    /// @param disturbances what happened, how often
    /// @param violations what is wrong with the final chain; empty for exactly once
    public record Outcome(
            String campaign,
            int batches,
            long operatorTransactions,
            Map<String, Integer> disturbances,
            List<String> violations,
            double seconds) {
        public Outcome {
            disturbances = Map.copyOf(disturbances);
            violations = List.copyOf(violations);
        }

        public boolean exactlyOnce() {
            return violations.isEmpty();
        }
    }

    /// One campaign of the list.
    @FunctionalInterface
    public interface Run {
        Outcome run() throws IOException;
    }

    /// @param anvil the program
    /// @param folder for chains, ledgers and logs
    public FaultCampaign(Path anvil, Path folder, long seed) {
        this.anvil = anvil;
        this.folder = folder;
        this.seed = seed;
    }

    /// Every campaign by its name.
    ///
    /// @param brief a few of each disturbance, some seconds in all, in place of everything
    public Map<String, Run> all(boolean brief) {
        Map<String, Run> runs = new LinkedHashMap<>();
        runs.put("halts at every journal point", () -> halts(brief ? 1 : 4));
        for (Plan plan : Plan.full()) {
            Plan sized = brief ? plan.shortened() : plan;
            runs.put(plan.name(), () -> disturbed(sized));
        }
        runs.put("stuck transaction, base fee at 50 gwei", () -> stuck(3));
        runs.put("two flushers, same key, own journals", () -> splitBrain(brief ? 3 : 8));
        runs.put("two flushers, other batches", () -> divergence(brief ? 2 : 4));
        return runs;
    }

    private Path next() {
        return folder.resolve("campaign-" + ++started);
    }

    private static double secondsSince(long nanos) {
        return Math.round((System.nanoTime() - nanos) / 1e8) / 10.0;
    }

    /// A plan: the flusher runs while a disturber plays.
    private Outcome disturbed(Plan plan) throws IOException {
        long begun = System.nanoTime();
        try (Arena arena = Arena.open(anvil, next(), plan.batches(), seed);
                FaultyProxy proxy =
                        new FaultyProxy(arena.anvil().endpoint(), plan.faultProbability(), HANG_MILLIS, seed)) {
            FlusherProcess.Arguments told = arena.arguments(arena.ledgerFolder(), proxy.endpoint(), plan.batches());
            arena.show(1);
            if (plan.kills()) {
                try (FlusherHost host = new FlusherHost.Forked(
                        told, arena.key(), LIMIT, arena.folder().resolve("flusher.log"))) {
                    new Disturber(arena, plan, host, seed).play();
                    host.await();
                }
                try (Ledger ledger = arena.openLedger(arena.ledgerFolder())) {
                    return settled(arena, plan, proxy, told, ledger, begun);
                }
            }
            try (Ledger ledger = arena.openLedger(arena.ledgerFolder());
                    FlusherHost host = new FlusherHost.Threaded(told, ledger, arena.key(), LIMIT)) {
                new Disturber(arena, plan, host, seed).play();
                host.await();
                return settled(arena, plan, proxy, told, ledger, begun);
            }
        }
    }

    /// A disturbance may have come after the last look: a last flusher makes good what it undid, and then all must
    /// hold.
    private static Outcome settled(
            Arena arena, Plan plan, FaultyProxy proxy, FlusherProcess.Arguments told, Ledger ledger, long begun)
            throws IOException {
        proxy.setProbability(0);
        FlusherProcess.flusher(ledger, told, arena.key(), new FlusherMonitor()).flushUntil(plan.batches(), LIMIT);
        Map<String, Integer> happened = new TreeMap<>();
        plan.disturbances().forEach((disturbance, times) -> happened.put(word(disturbance), times));
        proxy.faults().forEach((fault, times) -> happened.put("rpc " + word(fault), times));
        return outcome(arena, plan.name(), plan.batches(), happened, ledger, begun);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private static Outcome outcome(
            Arena arena, String name, int batches, Map<String, Integer> happened, Ledger ledger, long begun)
            throws IOException {
        return new Outcome(
                name,
                batches,
                arena.operatorTransactions(),
                happened,
                arena.violations(ledger, batches),
                secondsSince(begun));
    }

    /// The flusher stops at every point around a journal entry and around sending, once for each batch.
    private Outcome halts(int batchesPerPoint) throws IOException {
        long begun = System.nanoTime();
        List<CrashingJournal.Point> points = List.of(CrashingJournal.Point.values());
        int batches = batchesPerPoint * points.size();
        try (Arena arena = Arena.open(anvil, next(), batches, seed);
                Ledger ledger = arena.openLedger(arena.ledgerFolder())) {
            FlusherProcess.Arguments told =
                    arena.arguments(arena.ledgerFolder(), arena.anvil().endpoint(), batches);
            FlushSource source = arena.source(ledger);
            Map<String, Integer> happened = new TreeMap<>();
            for (int number = 1; number <= batches; number++) {
                CrashingJournal.Point point = points.get((number - 1) % points.size());
                arena.show(number);
                CrashingJournal journal = new CrashingJournal(source.journal(), point);
                FlushSource dying = new FlushSource(source.operatorId(), source.stream(), source.batches(), journal);
                try {
                    BatchFlusher flusher = FlusherProcess.flusher(dying, told, arena.key(), new FlusherMonitor());
                    while (finalized(flusher) < number) {
                        Anvil.sleep(5);
                    }
                } catch (CrashingJournal.Crash e) {
                    happened.merge(word(point), 1, Integer::sum);
                }
                FlusherProcess.flusher(source, told, arena.key(), new FlusherMonitor())
                        .flushUntil(number, LIMIT);
            }
            return outcome(arena, "halts at every journal point", batches, happened, ledger, begun);
        }
    }

    /// One step and the number of the last final batch; 0 where the node answered from between two blocks, which
    /// any look at a chain must expect.
    private static long finalized(BatchFlusher flusher) {
        try {
            return flusher.step().finalized();
        } catch (ChainException.Unreachable e) {
            LOG.debug("a step is repeated", e);
            return 0;
        }
    }

    /// The base fee rises above what the transaction in flight offers: it is replaced until one is mined.
    private Outcome stuck(int batches) throws IOException {
        long begun = System.nanoTime();
        try (Arena arena = Arena.open(anvil, next(), batches, seed);
                Ledger ledger = arena.openLedger(arena.ledgerFolder())) {
            FlusherProcess.Arguments told =
                    arena.arguments(arena.ledgerFolder(), arena.anvil().endpoint(), batches);
            arena.show(batches);
            FlusherMonitor monitor = new FlusherMonitor();
            BatchFlusher flusher = FlusherProcess.flusher(ledger, told, arena.key(), monitor);
            synchronized (arena.anvil()) { // nothing is mined meanwhile
                while (flusher.step().action() != BatchFlusher.Action.SENT) {
                    Anvil.sleep(5);
                }
                arena.anvil().rpc().call("anvil_setNextBlockBaseFeePerGas", "0xba43b7400"); // 50 gwei
            }
            flusher.flushUntil(batches, LIMIT);
            Map<String, Integer> happened = new TreeMap<>();
            happened.put("sent", (int) monitor.snapshot().count(FlusherMonitor.Event.SENT));
            happened.put("replaced", (int) monitor.snapshot().count(FlusherMonitor.Event.BUMPED));
            return outcome(arena, "stuck transaction, base fee at 50 gwei", batches, happened, ledger, begun);
        }
    }

    /// Two flushers with the same key and the same batches, each with a ledger of its own and no lease between them.
    private Outcome splitBrain(int batches) throws IOException {
        long begun = System.nanoTime();
        try (Arena arena = Arena.open(anvil, next(), batches, seed)) {
            Path second = arena.secondLedger(true, batches);
            arena.show(batches);
            try (Ledger ledger = arena.openLedger(arena.ledgerFolder());
                    Ledger other = arena.openLedger(second);
                    FlusherHost first = host(arena, ledger, arena.ledgerFolder(), batches);
                    FlusherHost twin = host(arena, other, second, batches)) {
                first.await();
                twin.await();
                return outcome(
                        arena, "two flushers, same key, own journals", batches, Map.of("flushers", 2), ledger, begun);
            }
        }
    }

    /// Two flushers with the same key and different batches: one of them must halt, and the chain holds the other's.
    private Outcome divergence(int batches) throws IOException {
        long begun = System.nanoTime();
        String name = "two flushers, other batches";
        try (Arena arena = Arena.open(anvil, next(), batches, seed)) {
            Path second = arena.secondLedger(false, batches);
            arena.show(batches);
            try (Ledger ledger = arena.openLedger(arena.ledgerFolder());
                    Ledger other = arena.openLedger(second);
                    FlusherHost first = host(arena, ledger, arena.ledgerFolder(), batches);
                    FlusherHost twin = host(arena, other, second, batches)) {
                boolean firstHalted = halted(first);
                boolean twinHalted = halted(twin);
                Map<String, Integer> happened = Map.of("halted", (firstHalted ? 1 : 0) + (twinHalted ? 1 : 0));
                Outcome outcome = outcome(arena, name, batches, happened, firstHalted ? other : ledger, begun);
                if (firstHalted == twinHalted) {
                    List<String> violations = new ArrayList<>(outcome.violations());
                    violations.add("one flusher of the two should have halted, not " + happened.get("halted"));
                    return new Outcome(
                            name, batches, outcome.operatorTransactions(), happened, violations, outcome.seconds());
                }
                return outcome;
            }
        }
    }

    private static FlusherHost host(Arena arena, Ledger ledger, Path ledgerFolder, int batches) {
        return new FlusherHost.Threaded(
                arena.arguments(ledgerFolder, arena.anvil().endpoint(), batches), ledger, arena.key(), LIMIT);
    }

    private static boolean halted(FlusherHost host) {
        try {
            host.await();
            return false;
        } catch (ChainException.Halted e) {
            return true;
        }
    }
}
