package org.openlora.benchmarks.anchoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.benchmarks.anchoring.FaultCampaign.Outcome;
import org.openlora.meter.chain.AnvilBinary;

/// The campaigns in their brief form; in full they run by `./openlora bench flusher`. Skipped without anvil.
class FaultCampaignTest {
    private static final Optional<Path> ANVIL = anvil();

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "halts at every journal point",
                "RPC faults",
                "reorganisations, depth 1-3",
                "snapshot and revert",
                "node restarted with its state",
                "node killed, state lost",
                "nonces stolen, mempool dropped",
                "base fee spikes to 300 gwei",
                "all at once, with restarts",
                "stuck transaction, base fee at 50 gwei",
                "two flushers, same key, own journals",
                "two flushers, other batches"
            })
    void run_briefCampaign_exactlyOnce(String campaign) throws IOException {
        Map<String, FaultCampaign.Run> all = new FaultCampaign(requireAnvil(), folder, 1).all(true);
        Outcome outcome = Objects.requireNonNull(all.get(campaign), campaign).run();
        assertThat(outcome.violations()).isEmpty();
        assertThat(outcome.disturbances()).isNotEmpty();
    }

    @Test
    void violations_batchMissing_named() throws IOException {
        try (Arena arena = Arena.open(requireAnvil(), folder, 1, 1);
                var ledger = arena.openLedger(arena.ledgerFolder())) {
            assertThat(arena.violations(ledger, 1))
                    .anySatisfy(violation -> assertThat(violation).contains("batch 1 has 0 events"))
                    .anySatisfy(violation -> assertThat(violation).contains("batch 1 has root 0x0000"))
                    .anySatisfy(violation -> assertThat(violation).contains("totals 0 and 0"));
        }
    }

    @Test
    void anchor_someReceipts_verifiedByTheContract() throws IOException {
        requireAnvil();
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        AnchorRun.Result result = new AnchorRun(folder, folder.resolve("run"), out).run(60);
        assertThat(result.contractVerifies()).isTrue();
        assertThat(result.contractRefusesAnother()).isTrue();
        assertThat(result.gas()).isBetween(50_000L, 150_000L);
        assertThat(result.proofWords()).isBetween(5, 6);
    }

    private static Path requireAnvil() {
        assumeTrue(ANVIL.isPresent(), "skipped: there is no anvil, for the reason printed above");
        return ANVIL.get();
    }

    /// The one that the tests of the meter install.
    private static Optional<Path> anvil() {
        Path tools = Path.of(System.getProperty("openlora.root", ".."), "attribution-meter", "target", "test-chain");
        try {
            Files.createDirectories(tools);
            return AnvilBinary.find(tools, System.getenv(), System.out::println);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
