package org.openlora.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PriceCommandTest {
    @TempDir
    private Path folder;

    private record Run(int status, String out, String err) {}

    private static Run run(String... args) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
            int status = OpenLora.run(args);
            return new Run(
                    status, outBytes.toString(StandardCharsets.UTF_8), errBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    @Test
    void simulate_request_sumsToItsPrice() throws Exception {
        Run run = run("price", "simulate", "--prompt", "900", "--cached", "400", "--generated", "300", "--json");
        assertThat(run.status()).as(run.err()).isZero();
        JsonNode quote = JsonMapper.builder().build().readTree(run.out());
        // 500 · 50,000 + 400 · 5,000 + 300 · 200,000 pico and the fixed fee
        assertThat(quote.get("pricePico").asText()).isEqualTo("88000000");
        long sum = 0;
        for (JsonNode payment : quote.get("payments")) {
            sum += Long.parseLong(payment.get("amountPico").asText());
        }
        assertThat(sum).isEqualTo(88_000_000);
    }

    @Test
    void simulate_manyRequests_isExact() {
        Run run =
                run("price", "simulate", "--prompt", "1000", "--generated", "1", "--bare", "--requests", "1000000000");
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out())
                .contains("51200.000000000000")
                .contains("platform")
                .doesNotContain("adapter owner");
    }

    @Test
    void simulate_nothing_isAUsageError() {
        Run run = run("price", "simulate");
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("say how many tokens with --prompt and --generated");
        assertThat(run("price", "simulate", "--prompt", "1", "--adapter", "x").err())
                .contains("--adapter");
    }

    @Test
    void show_brokenBook_namesFileLineAndField() throws Exception {
        Path shipped = Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml");
        Path file = folder.resolve("mine.yaml");
        Files.writeString(file, Files.readString(shipped).replace("operatorBps: 2500", "operatorBps: 2400"));
        Run run = run("price", "show", file.toString());
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err())
                .contains("mine.yaml: line ")
                .contains("'split' must sum to 10000")
                .contains("; correct");
        assertThat(run("price", "show", shipped.toString()).out())
                .contains("openlora-development")
                .contains("contributors 40.00 %");
    }
}
