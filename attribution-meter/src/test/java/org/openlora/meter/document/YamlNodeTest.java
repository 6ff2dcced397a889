package org.openlora.meter.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class YamlNodeTest {
    @Test
    void parse_nestedValues_areFound() {
        YamlNode root = YamlNode.parse("a.yaml", "name: x\nlist:\n  - {size: 3}\n  - {size: 4}\nnothing: null\n");
        assertThat(root.get("name").text()).isEqualTo("x");
        assertThat(root.get("list").items().get(1).get("size").integer(0, 9)).isEqualTo(4);
        assertThat(root.find("nothing")).isEmpty();
        assertThat(root.find("absent")).isEmpty();
        assertThat(root.toJson()).hasToString("{\"name\":\"x\",\"list\":[{\"size\":3},{\"size\":4}],\"nothing\":null}");
    }

    @Test
    void errors_nameFileLineAndField() {
        YamlNode root = YamlNode.parse("a.yaml", "name: x\nlist:\n  - {size: 30}\n  - {size: 4}\n");
        assertThatThrownBy(() -> root.get("list").items().get(0).get("size").integer(0, 9))
                .hasMessage("a.yaml: line 3: field 'list[0].size' must be an integer from 0 to 9, found 30");
        assertThatThrownBy(() -> root.get("name").items())
                .hasMessage("a.yaml: line 1: field 'name' must be a list, found \"x\"");
        assertThatThrownBy(() -> root.get("size")).hasMessage("a.yaml: line 1: field 'size' is missing");
        assertThatThrownBy(() -> root.requireFields("name"))
                .hasMessage("a.yaml: line 3: field 'list' is not a known field; allowed are name");
        assertThatThrownBy(() -> root.get("name").parsed(Sha256::parse))
                .hasMessage("a.yaml: line 1: field 'name': a digest is sha256: and 64 hexadecimal digits, not 'x'");
    }

    @Test
    void parse_whatIsNotOneDocument_isRefused() {
        assertThatThrownBy(() -> YamlNode.parse("a.yaml", "")).hasMessage("a.yaml: is empty");
        assertThatThrownBy(() -> YamlNode.parse("a.yaml", "x: 1\nx: 2\n"))
                .hasMessageContaining("a.yaml: line 2")
                .hasMessageContaining("x");
        assertThatThrownBy(() -> YamlNode.parse("a.yaml", "x: 1\n---\ny: 2\n"))
                .hasMessageContaining("a second document is not allowed");
        assertThatThrownBy(() -> YamlNode.parse("a.yaml", "x: [1, 2\ny: 3\n"))
                .isInstanceOf(DocumentException.class)
                .hasMessageStartingWith("a.yaml: line ");
    }
}
