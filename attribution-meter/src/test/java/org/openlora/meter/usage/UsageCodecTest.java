package org.openlora.meter.usage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.evidence.Fixtures;

class UsageCodecTest {
    private static final UsageRow ROW = Fixtures.row(
            "request",
            List.of(
                    Fixtures.adapter("a", -5, new LineageShare(Fixtures.word("d"), 10_000)),
                    new AdapterUsage(Fixtures.adapter("b", 7).use(), List.of(), null)),
            new int[] {1, 2, 300_000},
            new int[] {4},
            2,
            new ScoringVersions(
                    Fixtures.word("s"), List.of(Fixtures.word("d")), Fixtures.word("p"), Fixtures.word("b")));

    @Test
    void fromJson_whatWasWritten_isTheSameRow() {
        assertThat(UsageCodec.fromJson(UsageCodec.toJson(ROW), ROW.prompt(), ROW.output()))
                .isEqualTo(ROW);
        assertThat(TokenIds.ofBytes(ROW.prompt().bytes())).isEqualTo(ROW.prompt());
        assertThat(UsageCodec.toJson(ROW)).doesNotContain("300000");
        assertThat(ROW.toString()).doesNotContain("300000");
    }

    @Test
    void toJson_anyRow_isCanonical() throws Exception {
        byte[] json = UsageCodec.toJson(ROW).getBytes(StandardCharsets.UTF_8);
        assertThat(CanonicalJson.bytes(new JsonMapper().readTree(json))).isEqualTo(json);
    }

    @Test
    void hash_anyChange_isAnother() {
        UsageRow otherOutput =
                Fixtures.row("request", ROW.adapters(), ROW.prompt().toArray(), new int[] {5}, 2, ROW.versions());
        UsageRow otherCache =
                Fixtures.row("request", ROW.adapters(), ROW.prompt().toArray(), new int[] {4}, 1, ROW.versions());
        assertThat(UsageCodec.hash(otherOutput)).isNotEqualTo(UsageCodec.hash(ROW));
        assertThat(UsageCodec.hash(otherCache)).isNotEqualTo(UsageCodec.hash(ROW));
    }

    @Test
    void records_badValues_areRefusedByName() {
        assertThatThrownBy(() -> Fixtures.row("r", List.of(), new int[] {1}, new int[] {}, 2, ROW.versions()))
                .hasMessage("usage row: cachedTokens must be from 0 to the prompt's 1, not 2");
        assertThatThrownBy(() -> Fixtures.adapter("a", 1, new LineageShare(Fixtures.word("d"), 9_999)))
                .hasMessageContaining("sums to 9999 basis points, not 10000");
        assertThatThrownBy(() -> Fixtures.adapter(
                        "a",
                        1,
                        new LineageShare(Fixtures.word("d"), 5_000),
                        new LineageShare(Fixtures.word("d"), 5_000)))
                .hasMessageContaining("twice");
        assertThatThrownBy(() -> new LineageShare(Fixtures.word("d"), 0)).hasMessageContaining("1 to 10000");
        assertThatThrownBy(() -> TokenIds.of(-1)).hasMessageContaining("-1");
    }
}
