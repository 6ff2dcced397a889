package org.openlora.server.retention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.engine.FinishReason;
import org.openlora.engine.sampling.SamplingParams;

class ReplayDocumentTest {
    @Test
    void toJson_everyParameter_isReadBackToTheBit() {
        SamplingParams all = SamplingParams.builder(77)
                .minTokens(3)
                .temperature(0.1f + 0.2f)
                .topK(41)
                .topP(0.3333333)
                .minP(1e-4)
                .repetitionPenalty(1.7)
                .presencePenalty(-0.3)
                .frequencyPenalty(1.9999999)
                .logitBias(7, -99.9)
                .logitBias(12, 0.1)
                .seed(Long.MIN_VALUE + 3)
                .logprobs(5)
                .stop("\n\n", "é", "\"quoted\"")
                .stopTokenIds(List.of(4, 2))
                .includeStop(true)
                .ignoreEos(true)
                .build();
        for (SamplingParams params : List.of(all, SamplingParams.greedy(1))) {
            ReplayDocument document = new ReplayDocument(3, FinishReason.LENGTH, params);
            assertThat(ReplayDocument.fromJson(document.toJson())).isEqualTo(document);
        }
    }

    @Test
    void fromJson_otherVersionOrText_isRefused() {
        String json = new ReplayDocument(0, FinishReason.STOP, SamplingParams.greedy(1)).toJson();
        assertThatThrownBy(() -> ReplayDocument.fromJson(json.replace("\"version\":1", "\"version\":2")))
                .hasMessage("replay document: version is 2, this program reads 1");
        assertThatThrownBy(() -> ReplayDocument.fromJson("{")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> ReplayDocument.fromJson("{\"version\":1}"))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
