package org.openlora.adapters.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.adapters.store.TestAdapters.bytesBelow;
import static org.openlora.adapters.store.TestAdapters.digest;
import static org.openlora.adapters.store.TestAdapters.fetch;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.Digest;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.origin.AllowedOrigins;
import org.openlora.adapters.origin.OriginFetcher;
import org.openlora.adapters.origin.S3Settings;
import org.openlora.adapters.transfer.AddressRules;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.RequestSigner;

/// Kills processes that fill and empty a store, in the middle of writes, downloads and deletions, and opens it again.
///
/// `-Dopenlora.store.kills=N` sets how often.
class AdapterStoreKillTest {
    private static final int KILLS = Integer.getInteger("openlora.store.kills", 30);
    private static final int ADAPTERS = 20;
    private static final long CAPACITY = 900_000;

    @TempDir
    private Path temporary;

    @Test
    void open_afterTheProcessWasKilled_servesNothingButWholeAdapters() throws Exception {
        long seed = Long.getLong("openlora.store.seed", 42);
        System.out.printf("%d kills, openlora.store.seed=%d%n", KILLS, seed);
        var random = new Random(seed);
        Path root = temporary.resolve("adapters");
        int found = 0;
        int halfDone = 0;
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            HttpServer origin = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            origin.createContext("/", AdapterStoreKillTest::serve);
            origin.setExecutor(threads);
            origin.start();
            try {
                for (int kill = 0; kill < KILLS; kill++) {
                    churnUntilKilled(root, origin.getAddress().getPort(), random);
                    halfDone += bytesBelow(root.resolve("incoming")) > 0 ? 1 : 0;
                    found += requireWhole(root);
                }
            } finally {
                origin.stop(0);
            }
        }
        // Otherwise the kills came too early, or too late, to show anything.
        assertThat(found).isGreaterThan(KILLS);
        assertThat(halfDone).isGreaterThan(KILLS / 5);
    }

    private static void churnUntilKilled(Path root, int port, Random random) throws Exception {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-XX:+UseSerialGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Churn.class.getName(),
                        root.toString(),
                        Integer.toString(port),
                        Long.toString(random.nextLong()))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            assertThat(lines.readLine()).isEqualTo("churning");
            Thread.sleep(random.nextInt(120));
        } finally {
            process.destroyForcibly();
            process.waitFor();
        }
    }

    private static int requireWhole(Path root) {
        try (AdapterStore store = AdapterStore.open(root, CAPACITY, TestAdapters::read)) {
            for (Digest digest : store.digests()) {
                try (StoredAdapter held = store.open(digest).orElseThrow()) {
                    assertThat(TestAdapters.read(held.folder())).isEqualTo(digest);
                }
            }
            assertThat(bytesBelow(root)).isEqualTo(store.stats().usedBytes()).isLessThanOrEqualTo(CAPACITY);
            return store.digests().size();
        }
    }

    /// `/<number>/<file>`, slowly, so that kills come in the middle.
    private static void serve(com.sun.net.httpserver.HttpExchange exchange) throws IOException {
        try (exchange) {
            String[] path = exchange.getRequestURI().getPath().split("/");
            int number = Integer.parseInt(path[1]);
            byte[] content = path[2].equals(TestAdapters.CONFIG)
                    ? TestAdapters.config(number)
                    : TestAdapters.weights(number, sizeBytes(number));
            exchange.sendResponseHeaders(200, content.length);
            OutputStream body = exchange.getResponseBody();
            for (int sent = 0; sent < content.length; sent += 20_000) {
                body.write(content, sent, Math.min(20_000, content.length - sent));
                body.flush();
                Thread.sleep(1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static int sizeBytes(int number) {
        return 20_000 + 30_000 * (number % 7);
    }

    /// Puts adapters into a store from two threads until it is killed: half of them downloaded, some deleted.
    static final class Churn {
        private Churn() {}

        public static void main(String[] arguments) throws Exception {
            AdapterStore store = AdapterStore.open(Path.of(arguments[0]), CAPACITY, TestAdapters::read);
            String host = "127.0.0.1:" + arguments[1];
            var random = new Random(Long.parseLong(arguments[2]));
            var transfer = new HttpTransfer(AddressRules.publicAnd(List.of(host)), Duration.ofSeconds(5));
            var fetcher = new OriginFetcher(
                    new OriginFetcher.FetchLimits(CAPACITY, Duration.ofMinutes(1)),
                    AllowedOrigins.parse(List.of("http://" + host + "/")),
                    transfer,
                    new HubClient(HubClient.PUBLIC_HUB, "", transfer),
                    S3Settings.aws("us-east-1"),
                    RequestSigner.none());
            System.out.println("churning");
            System.out.flush();
            Thread.startVirtualThread(() -> churn(store, new Random(random.nextLong()), URI.create("http://" + host), fetcher));
            churn(store, random, URI.create("http://" + host), fetcher);
        }

        private static void churn(AdapterStore store, Random random, URI host, OriginFetcher fetcher) {
            while (true) {
                int number = random.nextInt(ADAPTERS);
                AdapterStore.Fetch fetch = random.nextBoolean()
                        ? (folder, room) -> fetcher.fetch(
                                origin(host, number), folder, room, Instant.now().plusSeconds(60))
                        : fetch(number, sizeBytes(number));
                store.put(digest(number, sizeBytes(number)), fetch).close();
                if (random.nextInt(4) == 0) {
                    int other = random.nextInt(ADAPTERS);
                    store.remove(digest(other, sizeBytes(other)));
                }
            }
        }

        private static AdapterOrigin origin(URI host, int number) {
            return new AdapterOrigin.HttpsFiles(
                    host.resolve("/" + number + "/"),
                    Map.of(
                            TestAdapters.CONFIG, Digest.sha256(TestAdapters.config(number)),
                            TestAdapters.WEIGHTS,
                                    Digest.sha256(TestAdapters.weights(number, sizeBytes(number)))));
        }
    }
}
