package org.openlora.meter.datanet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.duplicates.NearDuplicates;
import org.openlora.meter.duplicates.NearDuplicates.Registered;
import org.openlora.meter.duplicates.RowId;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;

/// The registry agrees with `docs/vectors/datanets_reference.py`.
class DatanetVectorsTest {
    private final JsonNode vectors;
    private final List<Datanet> datanets = new ArrayList<>();

    DatanetVectorsTest() throws IOException {
        vectors = new JsonMapper()
                .readTree(Path.of(System.getProperty("openlora.root", ".."), "docs/vectors/datanets.json")
                        .toFile());
        vectors.required("datanets").forEach(node -> datanets.add(datanet(node)));
    }

    private static Datanet datanet(JsonNode node) {
        Bytes32 salt = word(node, "salt");
        Map<String, Integer> places = new LinkedHashMap<>();
        List<DatanetRow> rows = new ArrayList<>();
        for (JsonNode row : node.required("rows")) {
            int contributor =
                    places.computeIfAbsent(row.required("contributor").asText(), _ -> places.size());
            String prompt = row.has("prompt") ? row.required("prompt").asText() : null;
            rows.add(new DatanetRow(contributor, prompt, row.required("text").asText()));
        }
        List<Contributor> people = places.keySet().stream()
                .map(name -> new Contributor(name, Contributor.hash(salt, name), name, Fixtures.address(name)))
                .toList();
        return Datanet.of(node.required("id").asText(), "1", "", "", salt, people, rows);
    }

    @Test
    void datanets_digestsAndMerkleRoots() {
        for (int d = 0; d < datanets.size(); d++) {
            JsonNode node = vectors.required("datanets").get(d);
            assertThat(datanets.get(d).digest()).isEqualTo(word(node, "digest"));
            assertThat(RowTree.of(datanets.get(d)).root()).isEqualTo(word(node, "merkleRoot"));
        }
    }

    @Test
    void rows_bandsAndCopies() {
        assertThat(NearDuplicates.RULE).isEqualTo(vectors.required("rule").asText());
        List<Registered> registered = new ArrayList<>();
        for (int d = 0; d < datanets.size(); d++) {
            JsonNode node = vectors.required("datanets").get(d);
            Datanet datanet = datanets.get(d);
            for (int row = 0; row < datanet.rows().size(); row++) {
                JsonNode expected = node.required("bands").get(row);
                assertThat(NearDuplicates.bandsOf(datanet.rows().get(row).text()))
                        .isEqualTo(IntStream.range(0, NearDuplicates.BANDS)
                                .map(band -> (int) expected.get(band).asLong())
                                .toArray());
            }
            Copies copies = NearDuplicates.find(registered, datanet.banded(), Progress.NONE);
            assertThat(copies.size()).isEqualTo(node.required("copies").size());
            for (JsonNode copy : node.required("copies")) {
                Bytes32 original = datanets.get(copy.get(1).asInt()).digest();
                assertThat(copies.originalOf(copy.get(0).asInt()))
                        .isEqualTo(Optional.of(new RowId(original, copy.get(2).asInt())));
            }
            assertThat(copies.digest(datanet.digest())).isEqualTo(word(node, "copiesDigest"));
            registered.add(new Registered(datanet.banded(), copies));
        }
    }

    @Test
    void events_hashesAreChained() {
        Bytes32 previous = Bytes32.ZERO;
        for (JsonNode event : vectors.required("events")) {
            previous = RegistryEvent.hash(
                    previous,
                    event.required("at").asLong(),
                    word(event, "datanet"),
                    RegistryEvent.Kind.valueOf(event.required("kind").asText()),
                    event.required("body").asText());
            assertThat(previous).isEqualTo(word(event, "hash"));
        }
    }

    private static Bytes32 word(JsonNode node, String field) {
        return Bytes32.parse(node.required(field).asText());
    }
}
