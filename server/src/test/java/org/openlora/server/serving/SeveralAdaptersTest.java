package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.EngineException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;

/// Requests that name several adapters, from the call to the receipt.
class SeveralAdaptersTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final PromptInput PROMPT =
            new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice.")));
    private static final int MAX_TOKENS = 24;
    private static final AdapterChoice KEEPER = new AdapterChoice.ByName("harbour-keeper", 750_000);
    private static final AdapterChoice GARDENER = new AdapterChoice.ByName("moon-gardener", -250_000);

    @TempDir
    Path home;

    @Test
    void submit_twoScaledAdapters_bothAreInTheReceiptWithTheirShares() {
        try (ServingStack stack = open()) {
            Generating.Whole answer = generate(stack, KEEPER, GARDENER);
            Generating.Whole reversed = generate(stack, GARDENER, KEEPER);
            Generating.Whole alone = generate(stack, KEEPER);
            assertThat(reversed.tokens()).as("in any order").isEqualTo(answer.tokens());
            assertThat(answer.tokens()).isNotEqualTo(alone.tokens());

            stack.meter().drain(Duration.ofMinutes(2));
            Receipt receipt = stack.meter()
                    .queries()
                    .receiptsOf(answer.requestId())
                    .getFirst()
                    .receipt();
            int generated = answer.tokens().size();
            assertThat(receipt.adapters())
                    .isSortedAccordingTo(Comparator.comparing(AdapterUse::digest))
                    .extracting(AdapterUse::tokens)
                    .containsExactly(generated, generated);
            Bytes32 keeper = digest(receipt, 750_000);
            Bytes32 gardener = digest(receipt, -250_000);
            assertThat(ownerPaid(receipt, gardener)).isPositive();
            assertThat((double) ownerPaid(receipt, keeper) / ownerPaid(receipt, gardener))
                    .as("by the size of the scale")
                    .isCloseTo(3, within(1e-6));
            assertThat(receipt.payments().stream().mapToLong(Payment::amount).sum())
                    .isEqualTo(receipt.price());
        }
    }

    @Test
    void submit_sameAdapterTwiceOrTooMany_isRefused() {
        try (ServingStack stack = open()) {
            assertThatThrownBy(() -> generate(stack, KEEPER, new AdapterChoice.ByName("harbour-keeper", 1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("is named twice");
            assertThat(stack.meter().queries().lastSeq()).isZero();
        }
    }

    @Test
    void submit_moreAdaptersThanConfigured_isRefused() {
        try (ServingStack stack = open("engine: {maxAdaptersPerRequest: 1}")) {
            assertThatThrownBy(() -> generate(stack, KEEPER, GARDENER))
                    .isInstanceOf(EngineException.class)
                    .hasMessage("the request names 2 adapters: this server allows up to 1 at once");
        }
    }

    private static Bytes32 digest(Receipt receipt, int scalePpm) {
        return receipt.adapters().stream()
                .filter(use -> use.scalePpm() == scalePpm)
                .map(AdapterUse::digest)
                .findFirst()
                .orElseThrow();
    }

    private static long ownerPaid(Receipt receipt, Bytes32 adapter) {
        return receipt.payments().stream()
                .filter(payment ->
                        payment.role() == Role.ADAPTER_OWNER && payment.source().equals(adapter))
                .mapToLong(Payment::amount)
                .sum();
    }

    private static Generating.Whole generate(ServingStack stack, AdapterChoice... adapters) {
        return Generating.start(stack, Generating.call(null, PROMPT, MAX_TOKENS, adapters))
                .whole();
    }

    private ServingStack open() {
        return open("");
    }

    /// @param settings what differs from the shipped ones
    private ServingStack open(String settings) {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        Installation installation = new Installation(ROOT, home);
        try {
            Path file = Files.writeString(home.resolve("settings.yaml"), settings);
            return ServingStack.open(
                    ConfigLoader.load(installation, settings.isEmpty() ? null : file), installation, model, Map.of());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
