package org.openlora.meter.datanet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

class DatanetTest {
    private static final String YAML = """
            id: poems
            version: 1
            title: Small poems
            licence: CC0-1.0
            salt: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            rows: rows.jsonl
            contributors:
              - {id: ada, name: Ada, payee: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"}
              - {id: bo, name: Bo, payee: "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"}
            """;
    private static final String ROWS = """
            {"contributor":"ada","text":"The tide returns."}
            {"text":"Leaves fall.","prompt":"Autumn?","contributor":"bo"}
            """;

    @TempDir
    private Path folder;

    @Test
    void read_wholeFolder_givesRowsAndContributors() throws IOException {
        Datanet datanet = read(YAML, ROWS);
        assertThat(datanet.rows())
                .containsExactly(
                        new DatanetRow(0, null, "The tide returns."), new DatanetRow(1, "Autumn?", "Leaves fall."));
        assertThat(datanet.contributorOf(1).name()).isEqualTo("Bo");
        assertThat(datanet.contributorOf(1).payee())
                .isEqualTo(Address.parse("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"));
        assertThat(datanet.version()).isEqualTo("1");
    }

    @Test
    void digest_dependsOnRowsAlone() throws IOException {
        Bytes32 digest = read(YAML, ROWS).digest();
        assertThat(read(
                                YAML.replace("Ada", "Ada L.")
                                        .replace(
                                                "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
                                                "0x90F79bf6EB2c4f870365E785982E1f101E93b906")
                                        .replace("CC0-1.0", "CC-BY-4.0"),
                                ROWS)
                        .digest())
                .isEqualTo(digest);
        assertThat(read(YAML, ROWS.replace("{\"text\":", "{ \"text\" : ")).digest())
                .isEqualTo(digest);
        assertThat(read(YAML, ROWS.replace("tide", "tides")).digest()).isNotEqualTo(digest);
        assertThat(read(YAML.replace("1e1f", "1e20"), ROWS).digest()).isNotEqualTo(digest);
        assertThat(read(YAML, ROWS.replace("\"prompt\":\"Autumn?\",", "")).digest())
                .isNotEqualTo(digest);
    }

    @Test
    void read_badRows_namesFileLineAndField() {
        assertRefused(
                YAML,
                ROWS + "{\"contributor\":\"cy\",\"text\":\"x\"}\n",
                "rows.jsonl: line 3: field 'contributor' names 'cy', who is not in datanet.yaml");
        assertRefused(
                YAML,
                ROWS + "{\"contributor\":\"bo\",\"text\":\" \"}\n",
                "rows.jsonl: line 3: field 'text' must be a text that is not blank");
        assertRefused(
                YAML,
                ROWS + "{\"contributor\":\"bo\",\"text\":\"x\",\"note\":1}\n",
                "rows.jsonl: line 3: field 'note' is not known; allowed are contributor, prompt, text");
        assertRefused(
                YAML, ROWS + "{\"contributor\":\"bo\",\"text\":\"x\"} {}\n", "rows.jsonl: line 3: not one JSON object");
        assertRefused(
                YAML, ROWS + "{\"contributor\":\"bo\",\"text\":\"x\",\"text\":\"y\"}\n", "Duplicate field 'text'");
        assertRefused(YAML, ROWS + "\n", "rows.jsonl: line 3: must be a JSON object");
        assertRefused(YAML, "", "rows.jsonl: has no rows");
    }

    @Test
    void read_badYaml_namesFileLineAndField() {
        assertRefused(
                YAML.replace("79C8", "79c8"),
                ROWS,
                "datanet.yaml: line 8: field 'contributors[0].payee': wrong EIP-55");
        assertRefused(YAML.replace("id: bo", "id: ada"), ROWS, "line 9: field 'contributors[1].id' is the id of two");
        assertRefused(YAML.replace("1e1f", "1e"), ROWS, "datanet.yaml: line 5: field 'salt'");
        assertRefused(
                YAML.replace("rows.jsonl", "../rows.jsonl"), ROWS, "line 6: field 'rows' must be a file name within");
        assertRefused(
                YAML.replace("rows.jsonl", "other.jsonl"),
                ROWS,
                "line 6: field 'rows' names a file that does not exist");
        assertRefused(YAML.replace("licence", "license"), ROWS, "field 'license' is not a known field");
        assertRefused(YAML.replace("title: Small poems\n", ""), ROWS, "field 'title' is missing");
    }

    private Datanet read(String yaml, String rows) throws IOException {
        Files.writeString(folder.resolve("datanet.yaml"), yaml);
        Files.writeString(folder.resolve("rows.jsonl"), rows);
        return Datanet.read(folder);
    }

    private void assertRefused(String yaml, String rows, String message) {
        assertThatThrownBy(() -> read(yaml, rows)).hasMessageContaining(message);
    }
}
