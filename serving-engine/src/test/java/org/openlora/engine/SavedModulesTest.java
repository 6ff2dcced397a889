package org.openlora.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.engine.scheduler.AdapterSelection;

class SavedModulesTest {
    private final EngineHarness harness = new EngineHarness();

    SavedModulesTest() {
        harness.residency.saveEmbedding(EngineHarness.SEA);
    }

    @Test
    void submit_aloneAndAsTrained_isServed() {
        RecordingSink alone = harness.submit(harness.request("alone", 5, EngineHarness.SEA));
        RecordingSink others = harness.submit(harness.request("others", 5, EngineHarness.SKY, EngineHarness.BREAD));
        harness.untilIdle();
        assertThat(alone.tokens()).containsExactly(EngineHarness.expected(EngineHarness.SEA, 5));
        assertThat(others.awaitFinished().reason()).isEqualTo(FinishReason.LENGTH);
        assertThat(harness.held()).isEqualTo(EngineHarness.NOTHING);
    }

    @Test
    void submit_besideAnotherAdapter_isRefusedByName() {
        refused(
                List.of(AdapterSelection.of(EngineHarness.SKY), AdapterSelection.of(EngineHarness.SEA)),
                "it must be the request's only adapter, not one of 2");
    }

    @Test
    void submit_scaled_isRefusedByName() {
        refused(List.of(new AdapterSelection(EngineHarness.SEA, 500_000, null)), "its scale is 0.5, allowed is 1");
    }

    private void refused(List<AdapterSelection> adapters, String reason) {
        RecordingSink sink = harness.submit(harness.request("a", 5, adapters));
        harness.untilIdle();
        assertThat(sink.events()).singleElement().isInstanceOfSatisfying(GenerationEvent.Failed.class, failed -> {
            assertThat(failed.cause().code()).isEqualTo(EngineException.Code.INVALID_REQUEST);
            assertThat(failed.cause())
                    .hasMessage("adapter " + EngineHarness.SEA + " replaces the base's embed_tokens (modules_to_save): "
                            + reason);
        });
        assertThat(harness.committed).isEmpty();
        assertThat(harness.held()).isEqualTo(EngineHarness.NOTHING);
    }
}
