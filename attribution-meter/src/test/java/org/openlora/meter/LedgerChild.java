package org.openlora.meter;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.ledger.LedgerLocation;

/// A process that has a ledger open, commits many requests at once, scores and seals them, and says line by line what
/// came of each: what the tests kill, starve of disk, and listen to.
///
/// It says `open`, then for each request `acknowledged N` or `refused N`, for each batch `sealed NUMBER ROOT` or
/// `unsealed`, whenever it changes `health Writable` or `health Unwritable`, and `done` when everything is
/// committed, scored and sealed.
public final class LedgerChild {
    private static final long SEAL_MILLIS = 5;

    private LedgerChild() {}

    /// @param requests drawn from 0 to this, so that some come again in another life
    /// @param draws how many are drawn
    /// @param atOnce how many requests are under way at any moment
    /// @param patience how long a commit is tried
    record Work(LedgerLocation ledger, long seed, int requests, int draws, int atOnce, Duration patience) {
        List<Integer> numbers() {
            Random random = new Random(seed);
            List<Integer> numbers = new ArrayList<>();
            for (int i = 0; i < draws; i++) {
                numbers.add(random.nextInt(requests));
            }
            return numbers;
        }

        List<String> arguments() {
            String database =
                    switch (ledger.database()) {
                        case DatabaseLocation.SqliteFile _ -> "";
                        case DatabaseLocation.PostgresServer server -> server.user() + " " + server.url();
                    };
            return List.of(
                    ledger.folder().toString(),
                    database,
                    Long.toString(seed),
                    Integer.toString(requests),
                    Integer.toString(draws),
                    Integer.toString(atOnce),
                    Long.toString(patience.toMillis()));
        }

        static Work of(String[] arguments) {
            Path folder = Path.of(arguments[0]);
            LedgerLocation ledger = LedgerLocation.of(folder);
            if (!arguments[1].isEmpty()) {
                String[] server = arguments[1].split(" ", 2);
                ledger = new LedgerLocation(folder, new DatabaseLocation.PostgresServer(server[1], server[0], ""));
            }
            return new Work(
                    ledger,
                    Long.parseLong(arguments[2]),
                    Integer.parseInt(arguments[3]),
                    Integer.parseInt(arguments[4]),
                    Integer.parseInt(arguments[5]),
                    Duration.ofMillis(Long.parseLong(arguments[6])));
        }
    }

    /// The command that starts such a process.
    static List<String> command(Work work) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dopenlora.root=" + System.getProperty("openlora.root", ".."),
                "-cp",
                System.getProperty("java.class.path"),
                LedgerChild.class.getName()));
        command.addAll(work.arguments());
        return command;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Work work = Work.of(arguments);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (Meter meter = Meter.open(MeterFixture.options(work.ledger(), work.patience(), step -> {}))) {
            out.println("open");
            meter.watchHealth(
                    health -> out.println("health " + health.getClass().getSimpleName()));
            Thread sealing = Thread.ofPlatform().start(() -> seal(meter, out));
            Semaphore underWay = new Semaphore(work.atOnce());
            try (ExecutorService requests = Executors.newVirtualThreadPerTaskExecutor()) {
                for (int number : work.numbers()) {
                    underWay.acquire();
                    requests.execute(() -> {
                        commit(meter, number, out);
                        underWay.release();
                    });
                }
            }
            sealing.interrupt();
            sealing.join();
            meter.drain(MeterFixture.PATIENCE);
            sealOnce(meter, out);
            out.println("done");
        }
    }

    private static void commit(Meter meter, int number, PrintStream out) {
        try {
            meter.commit(MeterFixture.row(meter, number)).join();
            out.println("acknowledged " + number);
        } catch (CompletionException e) {
            out.println("refused " + number);
        }
    }

    private static void seal(Meter meter, PrintStream out) {
        try {
            while (true) {
                TimeUnit.MILLISECONDS.sleep(SEAL_MILLIS);
                if (meter.health() instanceof LedgerHealth.Writable) {
                    sealOnce(meter, out);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the end
        }
    }

    private static void sealOnce(Meter meter, PrintStream out) {
        try {
            meter.seal()
                    .ifPresent(batch -> out.println("sealed " + batch.header().number() + " "
                            + batch.header().root()));
        } catch (LedgerException e) {
            out.println("unsealed");
        }
    }
}
