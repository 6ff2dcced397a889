package org.openlora.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.server.problem.Problem;

class ConfigLoaderTest {
    @TempDir
    Path home;

    @Test
    void load_noFile_isTheShippedDefault() {
        ServerConfig config = ConfigLoader.load(installation(), null);

        assertThat(config.server().port()).isEqualTo(8080);
        assertThat(config.server().loopback()).isTrue();
        assertThat(config.model()).isEqualTo("openlora-tiny");
        assertThat(config.tenant("")).map(ServerConfig.Tenant::name).contains("development");
    }

    @Test
    void load_fileInHome_replacesOnlyItsKeys() throws IOException {
        Files.writeString(home.resolve("openlora.yaml"), "server:\n  port: 9999\n");

        ServerConfig config = ConfigLoader.load(installation(), null);

        assertThat(config.server().port()).isEqualTo(9999);
        assertThat(config.server().host()).isEqualTo("127.0.0.1");
    }

    @Test
    void load_emptyFile_changesNothing() {
        assertThat(load("# nothing here\n")).isEqualTo(ConfigLoader.load(installation(), null));
    }

    @Test
    void load_unknownKey_namesItsLineAndWhatIsAllowed() {
        assertThatThrownBy(() -> load("# comment\nserver:\n  host: 127.0.0.1\n  prot: 9\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("line 4: unknown key server.prot")
                .hasMessageContaining("port");
    }

    @Test
    void load_valueOutOfRange_namesLineValueAndRange() {
        assertThatThrownBy(() -> load("server:\n  port: 70000\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("line 1: server: port is 70000, allowed is 0 to 65535");
    }

    @Test
    void load_wrongType_namesLine() {
        assertThatThrownBy(() -> load("model: openlora-tiny\nserver:\n  port: high\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("line 3: server.port");
    }

    @Test
    void load_malformedYaml_namesLine() {
        assertThatThrownBy(() -> load("server:\n  port: [1\nmodel: x\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("is not valid YAML");
    }

    @Test
    void load_keyTwice_isRefused() {
        assertThatThrownBy(() -> load("model: a\nmodel: b\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("line 2");
    }

    @Test
    void load_missingKeyOfTenant_namesIt() {
        assertThatThrownBy(() -> load("tenants:\n  - name: acme\n    apiKey: 0123456789abcdef\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("payer");
    }

    @Test
    void load_keylessTenantBeyondLoopback_isRefused() {
        assertThatThrownBy(() -> load("server:\n  host: 0.0.0.0\n"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("loopback only");
    }

    @Test
    void load_missingFile_namesIt() {
        assertThatThrownBy(() -> ConfigLoader.load(installation(), home.resolve("absent.yaml")))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("absent.yaml");
    }

    @Test
    void tenantToString_withKey_doesNotShowIt() {
        ServerConfig.Tenant tenant =
                new ServerConfig.Tenant("acme", "0123456789abcdef", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

        assertThat(tenant).asString().doesNotContain("0123456789abcdef");
    }

    private ServerConfig load(String text) {
        try {
            return ConfigLoader.load(installation(), Files.writeString(home.resolve("settings.yaml"), text));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private Installation installation() {
        return new Installation(Path.of(System.getProperty("openlora.root")), home);
    }
}
