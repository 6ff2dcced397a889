package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.meter.ledger.PayeeTotal;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.SignedReceipt;

class MeterCrashTest {
    /// How often each step is kept.
    private static final int PICTURES = 3;
    private static final int REQUESTS = 7;

    @TempDir
    private Path folder;

    private final AtomicInteger pictures = new AtomicInteger();

    /// What a crash at some step would have left on the disk, and which requests were acknowledged by then.
    private record Remains(LedgerStep step, Path folder, Set<Integer> acknowledged) {}

    @Test
    void open_afterACrashAtAnyStep_losesAndDoublesNothing() {
        List<Remains> all = Collections.synchronizedList(new ArrayList<>());
        Set<Integer> acknowledged = ConcurrentHashMap.newKeySet();
        Path live = folder.resolve("live");
        Map<LedgerStep, Integer> seen = Collections.synchronizedMap(new EnumMap<>(LedgerStep.class));
        // One picture at a time: scoring and sealing take their steps on threads of their own.
        LedgerStep.Observer camera = step -> {
            synchronized (all) {
                if (seen.merge(step, 1, Integer::sum) > PICTURES) {
                    return;
                }
                all.add(new Remains(step, picture(live), Set.copyOf(acknowledged)));
            }
        };
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(live), camera))) {
            for (int i = 0; i < REQUESTS; i++) {
                meter.commit(MeterFixture.row(meter, i)).join();
                acknowledged.add(i);
                if (i % 3 == 2) {
                    meter.drain(MeterFixture.PATIENCE);
                    meter.seal();
                }
            }
            meter.drain(MeterFixture.PATIENCE);
        }
        for (Remains remains : all) {
            check(remains.folder(), remains.acknowledged());
        }
        assertThat(all.stream().map(Remains::step)).contains(LedgerStep.values());
    }

    /// A copy of a folder as it is; begun again where a file was renamed under its eyes.
    private Path picture(Path live) {
        while (true) {
            Path copy = folder.resolve("crash-" + pictures.incrementAndGet());
            try {
                copyTree(live, copy);
                return copy;
            } catch (UncheckedIOException e) {
                if (!(e.getCause() instanceof NoSuchFileException)) {
                    throw e;
                }
            }
        }
    }

    @Test
    void open_afterTheProcessWasKilled_losesAndDoublesNothing() throws Exception {
        Random random = new Random(9);
        Path killed = folder.resolve("killed");
        Set<Integer> acknowledged = new TreeSet<>();
        for (int life = 0; life < 3; life++) {
            Process process = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:TieredStopAtLevel=1",
                            "-Dopenlora.root=" + System.getProperty("openlora.root", ".."),
                            "-cp",
                            System.getProperty("java.class.path"),
                            Committer.class.getName(),
                            killed.toString(),
                            Integer.toString(life * 1_000))
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            int patience = 5 + random.nextInt(20);
            try (BufferedReader lines =
                    new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                    acknowledged.add(Integer.parseInt(line));
                    if (--patience == 0) {
                        process.toHandle().destroyForcibly(); // unlike the process itself, leaves its output readable
                    }
                }
            }
            process.waitFor();
        }
        assertThat(acknowledged.size()).isGreaterThanOrEqualTo(15);
        check(killed, acknowledged);
    }

    /// Commits and seals until it is killed, and prints the number of each request that was acknowledged.
    public static final class Committer {
        private Committer() {}

        public static void main(String[] arguments) {
            int first = Integer.parseInt(arguments[1]);
            try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(Path.of(arguments[0]))))) {
                for (int i = first; i < first + 1_000; i++) {
                    meter.commit(MeterFixture.row(meter, i)).join();
                    System.out.println(i);
                    System.out.flush();
                    if (i % 3 == 0) {
                        meter.seal();
                    }
                }
            }
        }
    }

    /// Opens what is left: every acknowledged request has one receipt, the chain of receipts and batches holds,
    /// and committing everything once more bills nothing twice.
    private static void check(Path remains, Set<Integer> acknowledged) {
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(remains)))) {
            meter.drain(MeterFixture.PATIENCE);
            for (int request : acknowledged) {
                assertThat(meter.queries()
                                .receiptsOf(MeterFixture.row(meter, request).requestId()))
                        .as("receipts of request %d", request)
                        .hasSize(1);
                meter.commit(MeterFixture.row(meter, request)).join();
            }
            meter.drain(MeterFixture.PATIENCE);
            long receipts = meter.queries().verify(MeterFixture.operator());
            // A row may be durable though its acknowledgement did not get out any more; none is there twice.
            assertThat(receipts).isGreaterThanOrEqualTo(acknowledged.size());
            List<SignedReceipt> all = meter.queries().receipts(1, Integer.MAX_VALUE);
            assertThat(all.stream().map(signed -> signed.receipt().requestId()).distinct())
                    .hasSize(all.size());
            assertThat(meter.queries().totals().stream()
                            .map(PayeeTotal::amountPico)
                            .reduce(BigInteger.ZERO, BigInteger::add))
                    .isEqualTo(all.stream()
                            .map(signed -> BigInteger.valueOf(signed.receipt().price()))
                            .reduce(BigInteger.ZERO, BigInteger::add));
            meter.seal();
            checkBatches(meter, receipts);
        }
    }

    private static void checkBatches(Meter meter, long receipts) {
        long next = 1;
        for (long number : meter.queries().batchNumbers()) {
            SealedBatch batch = meter.batch(number).orElseThrow();
            assertThat(batch.header().firstSeq()).isEqualTo(next);
            assertThat(batch.tree().root()).isEqualTo(batch.header().root());
            assertThat(batch.file()).exists();
            next = batch.header().lastSeq() + 1;
        }
        assertThat(next - 1).isEqualTo(receipts);
    }

    private static void copyTree(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                // The shared-memory index goes with its process; the rest is what the disk holds.
                if (!file.toString().endsWith("-shm")) {
                    Files.copy(file, to.resolve(from.relativize(file).toString()));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
