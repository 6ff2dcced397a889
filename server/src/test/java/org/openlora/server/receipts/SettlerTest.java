package org.openlora.server.receipts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.DatanetOptions;
import org.openlora.meter.Meter;
import org.openlora.meter.MeterOptions;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.serving.Operator;

class SettlerTest {
    private static final Duration INTERVAL = Duration.ofMinutes(1);
    /// When the shipped price book is in force.
    private static final long SERVED_AT_MILLIS = 1_790_000_000_000L;
    private static final Bytes32 TOKENIZER = word("tokenizer");

    @TempDir
    Path home;

    private Meter meter;
    private LedgerView ledger;
    private int requests;

    @BeforeEach
    void openMeter() {
        Installation installation = new Installation(Path.of(System.getProperty("openlora.root")), home);
        Operator operator = Operator.load(installation, ConfigLoader.load(installation, null), Map.of());
        meter = Meter.open(new MeterOptions(
                LedgerLocation.of(installation.ledger()),
                operator.identity(),
                DatanetOptions.of(home),
                Map.of(TOKENIZER, text -> text.chars().toArray()),
                PriceBook.parse("config/pricebook.yaml", ConfigLoader.shippedText("pricebook.yaml")),
                Duration.ofDays(1)));
        ledger = LedgerView.of(meter);
    }

    @AfterEach
    void closeMeter() {
        meter.close();
    }

    @Test
    void round_receiptsWait_sealsAndAnchorsThemOnce() {
        FakeChain chain = new FakeChain();
        Settler settler = new Settler(ledger, chain, INTERVAL);
        serve(3);

        settler.round();
        settler.round();

        assertThat(ledger.batch(1)).get().satisfies(batch -> assertThat(batch.receipts())
                .hasSize(3));
        assertThat(chain.asked).containsExactly(1L);
    }

    @Test
    void round_nothingServed_leavesTheChainAlone() {
        FakeChain chain = new FakeChain();

        new Settler(ledger, chain, INTERVAL).round();

        assertThat(ledger.queries().batchNumbers()).isEmpty();
        assertThat(chain.asked).isEmpty();
    }

    @Test
    void round_chainFails_goesOnSealingAndTriesHalfAsOftenEachTime() {
        FakeChain chain = new FakeChain();
        chain.failure = new IllegalStateException("connection refused");
        Settler settler = new Settler(ledger, chain, INTERVAL);

        for (int round = 1; round <= 8; round++) {
            serve(1);
            settler.round();
        }

        assertThat(ledger.queries().batchNumbers()).hasSize(8);
        assertThat(chain.asked).as("batch at each attempt: rounds 1, 2, 4, 8").containsExactly(1L, 2L, 4L, 8L);
    }

    @Test
    void round_chainIsBack_anchorsAllThatWaited() {
        FakeChain chain = new FakeChain();
        chain.there = false;
        Settler settler = new Settler(ledger, chain, INTERVAL);
        serve(1);
        settler.round();
        chain.there = true;
        serve(1);

        settler.round();

        assertThat(chain.asked).containsExactly(1L, 2L);
        assertThat(new Settlement(ledger).unanchored()).isEmpty();
        assertThat(new Settlement(ledger).landed()).isEqualTo(2);
    }

    @Test
    void close_receiptsWait_sealsThemWithoutTheChain() {
        FakeChain chain = new FakeChain();
        Settler settler = Settler.start(ledger, chain, Duration.ZERO);
        serve(2);

        settler.close();

        assertThat(ledger.batch(1)).get().satisfies(batch -> assertThat(batch.receipts())
                .hasSize(2));
        assertThat(chain.asked).isEmpty();
    }

    @Test
    void start_interval_settlesByItself() throws InterruptedException {
        CountDownLatch anchored = new CountDownLatch(1);
        serve(1);

        try (Settler _ = Settler.start(
                ledger,
                batch -> {
                    ledger.journal().recordLanded(batch, Bytes32.ZERO);
                    anchored.countDown();
                    return true;
                },
                Duration.ofMillis(1))) {
            assertThat(anchored.await(1, TimeUnit.MINUTES)).isTrue();
        }

        assertThat(new Settlement(ledger).landed()).isEqualTo(1);
    }

    @Test
    void close_anchoringHangs_endsIt() throws InterruptedException {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch interrupted = new CountDownLatch(1);
        serve(1);
        Settler settler = Settler.start(
                ledger,
                _ -> {
                    entered.countDown();
                    try {
                        new CountDownLatch(1).await();
                    } catch (InterruptedException e) {
                        interrupted.countDown();
                        Thread.currentThread().interrupt();
                        throw new IllegalStateException("interrupted", e);
                    }
                    return true;
                },
                Duration.ofMillis(1));
        assertThat(entered.await(1, TimeUnit.MINUTES)).isTrue();

        settler.close();

        assertThat(interrupted.await(1, TimeUnit.MINUTES)).isTrue();
        assertThat(new Settlement(ledger).unanchored()).hasValue(1);
    }

    private void serve(int count) {
        for (int i = 0; i < count; i++) {
            meter.commit(row("request " + requests++)).join();
        }
    }

    private UsageRow row(String name) {
        return new UsageRow(
                word(name),
                "main",
                word("account"),
                Address.parse("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"),
                SERVED_AT_MILLIS,
                SERVED_AT_MILLIS,
                word("base"),
                TOKENIZER,
                word("numeric path"),
                List.of(),
                TokenIds.of(new int[] {1, 2}),
                TokenIds.of(new int[] {3, 4, 5}),
                0,
                0,
                word("salt"),
                meter.versionsFor(List.of()));
    }

    private static Bytes32 word(String text) {
        return Sha256.domain("openlora/test/" + text).digest();
    }

    /// Takes every batch, unless it is told to fail or to be absent.
    private final class FakeChain implements Settler.Chain {
        private final List<Long> asked = new ArrayList<>();
        private @Nullable RuntimeException failure;
        private boolean there = true;

        @Override
        public boolean anchor(long batchNumber) {
            asked.add(batchNumber);
            if (failure != null) {
                throw failure;
            }
            if (there) {
                ledger.journal().recordLanded(batchNumber, Bytes32.ZERO);
            }
            return there;
        }
    }
}
