package org.openlora.benchmarks.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.benchmarks.load.FakeCompletionsServer;

/// The command line against a server that answers at once.
class BenchTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder = Path.of(".");

    private final FakeCompletionsServer server = start();

    @AfterEach
    void end() {
        server.close();
    }

    @Test
    void load_namedWorkloads_leavesOutWhatTheServerCannotAndReportsTheRest() throws Exception {
        int status = bench("--reps", "2", "--max-tokens", "3", "--scale", "0.5");

        assertThat(status).isZero();
        JsonNode report = report("serving");
        assertThat(report.findValuesAsText("name").stream().filter(name -> name.length() == 2))
                .containsExactly("B1", "W1", "W2", "W3", "W5");
        for (JsonNode workload : report.get("workloads")) {
            assertThat(workload.get("repetitions")).hasSize(2);
            assertThat(workload.at("/median/tokensPerSecond").asDouble()).isPositive();
            assertThat(workload.at("/distribution/itlMillis")).hasSize(101);
        }
        assertThat(report.at("/provenance/commandLine").toString()).contains("--scale");
        assertThat(Set.of("a00", "a01", "a02", "a03", "a04", "a05", "a06", "a07", "base"))
                .isEqualTo(server.requests().stream()
                        .map(request -> request.path("model").asText())
                        .collect(Collectors.toSet()));
        try (InputStream svg = Files.newInputStream(file("serving", ".svg"))) {
            assertThat(DocumentBuilderFactory.newInstance()
                            .newDocumentBuilder()
                            .parse(svg)
                            .getElementsByTagName("polyline")
                            .getLength())
                    .isEqualTo(10);
        }
    }

    @Test
    void load_openLoopOfOnesOwnBesideAStalledClient_reportsBoth() throws IOException {
        int status = bench(
                "--popularity",
                "zipf",
                "--rate",
                "400",
                "--requests",
                "12",
                "--adapters",
                "4",
                "--reps",
                "1",
                "--max-tokens",
                "2",
                "--stall");

        assertThat(status).isZero();
        assertThat(report("serving").get("workloads").findValuesAsText("name"))
                .containsExactly("zipf", "zipf, stalled client");
    }

    @Test
    void load_workloadThatNeedsMoreAdapters_failsAndSaysSo() {
        assertThat(bench("--workload", "W4")).isEqualTo(1);
        assertThat(server.requests()).isEmpty();
    }

    @Test
    void load_unknownOption_isAUsageError() {
        assertThat(bench("--nonsense")).isEqualTo(2);
    }

    @Test
    void soak_randomAborts_countsEveryRequest() throws IOException {
        int status = Bench.run(
                "soak",
                "--url",
                server.address().toString(),
                "--vocabulary",
                "50",
                "--prompt-tokens",
                "2-9",
                "--out",
                folder.toString(),
                "--minutes",
                "0.01",
                "--max-tokens",
                "4",
                "--abort",
                "0.5");

        assertThat(status).isZero();
        JsonNode report = report("soak");
        assertThat(report.get("finished").asInt() + report.get("aborted").asInt())
                .isEqualTo(server.requests().size());
        assertThat(report.get("aborted").asInt()).isPositive();
        assertThat(report.get("healthyAfterwards").asBoolean()).isTrue();
    }

    private int bench(String... arguments) {
        return Bench.run(Stream.concat(
                        Stream.of(
                                "--url",
                                server.address().toString(),
                                "--vocabulary",
                                "50",
                                "--prompt-tokens",
                                "4",
                                "--ceiling-seconds",
                                "0",
                                "--out",
                                folder.toString()),
                        Stream.of(arguments))
                .toArray(String[]::new));
    }

    private JsonNode report(String kind) throws IOException {
        return JSON.readTree(file(kind, ".json").toFile());
    }

    private Path file(String kind, String extension) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith("-" + kind + extension))
                    .findFirst()
                    .orElseThrow();
        }
    }

    private static FakeCompletionsServer start() {
        try {
            return new FakeCompletionsServer(
                    Stream.concat(Stream.of("base"), IntStream.range(0, 8).mapToObj("a0%d"::formatted))
                            .toList());
        } catch (IOException e) {
            throw new AssertionError("no port on loopback", e);
        }
    }
}
