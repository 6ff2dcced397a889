package org.openlora.server.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.origin.AdapterOrigin;

class OriginsTest {
    private final Origins origins = new Origins(Path.of("/adapters"));

    @Test
    void parse_address_isThatOrigin() {
        assertThat(origins.parse("hf://owner/name@main/sub"))
                .isEqualTo(new AdapterOrigin.HubRepository("owner/name", "main", "sub"));
    }

    @Test
    void parse_folderName_isUnderTheRoot() {
        assertThat(origins.parse("legal v2")).isEqualTo(new AdapterOrigin.LocalFolder(Path.of("/adapters/legal v2")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/srv/legal", "./legal", "../legal", "..", ".hidden", "~/legal", "a/b", "a\\b", "a\nb", ""})
    void parse_path_isRefusedWithWhatIsAllowed(String path) {
        assertThatThrownBy(() -> origins.parse(path))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is a path")
                .hasMessageContaining("hf://");
    }

    @Test
    void parse_unknownScheme_isRefused() {
        assertThatThrownBy(() -> origins.parse("ftp://host/legal"))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("ftp://host/legal");
    }
}
