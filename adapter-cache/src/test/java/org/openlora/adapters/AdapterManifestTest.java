package org.openlora.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterManifestTest {
    private static final String PAYEE = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";
    private static final String SOUND = """
            version: 1
            name: Shanties
            description: Sings.
            licence: CC-BY-4.0
            owner: {name: Ada, payee: "%s"}
            base: ["sha256:%s"]
            lineage:
              - {datanet: "sha256:%s", basisPoints: 6000}
              - {datanet: "sha256:%s", basisPoints: 4000}
            """.formatted(PAYEE, "11".repeat(32), "22".repeat(32), "33".repeat(32));

    @TempDir
    Path folder;

    @Test
    void read_ofASoundFile_keepsWhatItSays() throws IOException {
        AdapterManifest manifest = read(SOUND);
        assertThat(manifest.owner()).isEqualTo(new AdapterManifest.Owner("Ada", PAYEE));
        assertThat(manifest.base()).containsExactly(new Digest("11".repeat(32)));
        assertThat(manifest.lineage())
                .extracting(AdapterManifest.Lineage::basisPoints)
                .containsExactly(6000, 4000);
        assertThat(read(SOUND.replace("Sings.", "\"Sings.\"")).digest()).isEqualTo(manifest.digest());
        assertThat(read(SOUND.replace("Sings.", "Sings!")).digest()).isNotEqualTo(manifest.digest());
        assertThat(read(SOUND.replace("description: Sings.\n", "")).description())
                .isEmpty();
        assertThat(read(SOUND.replaceAll("(?s)lineage:.*", "lineage: []\n")).lineage())
                .isEmpty();
    }

    @Test
    void toJson_ofAManifest_isWhatItsDigestCovers() throws IOException {
        for (String text : new String[] {SOUND, SOUND.replace("description: Sings.\n", "")}) {
            AdapterManifest manifest = read(text);
            assertThat(AdapterManifest.ofJson(manifest.toJson())).isEqualTo(manifest);
        }
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                arguments("version: 1", "version: 2", "version '2' is not known; allowed: 1"),
                arguments("name: Shanties\n", "", "document lacks key 'name'"),
                arguments("name: Shanties", "name: 7", "name must be text; put '7' in quotes"),
                arguments("name: Shanties", "name: \"\"", "name must be 1 to 4000"),
                arguments("name: Shanties", "name: \"a\\u0007\"", "name must be 1 to 4000"),
                arguments("name: Shanties", "name: Shanties\nname: Twice", "Duplicate"),
                arguments("name: Shanties", "title: Shanties", "document has unknown key 'title'; allowed: base, desc"),
                arguments("name: Ada, ", "name: Ada, mail: x, ", "owner has unknown key 'mail'; allowed: name, payee"),
                arguments("\"" + PAYEE + "\"", PAYEE, "owner.payee must be text"),
                arguments(PAYEE, PAYEE.replace("fB69", "FB69"), "owner.payee '0xFB69"),
                arguments(PAYEE, PAYEE + "0", "not an EVM address; allowed: 0x and 40"),
                arguments("basisPoints: 4000", "basisPoints: 3999", "basisPoints sum up to 9999, not 10000"),
                arguments("basisPoints: 4000", "basisPoints: 0", "basisPoints 0 is not from 1 to 10000"),
                arguments("basisPoints: 4000", "basisPoints: 4000.5", "must be a whole number"),
                arguments("33".repeat(32), "22".repeat(32), "names datanet sha256:2222"),
                arguments("sha256:" + "11".repeat(32), "11".repeat(32), "must be sha256:<64 hex digits>"),
                arguments("11".repeat(32), "AA".repeat(32), "64 lower-case hexadecimal digits"),
                arguments("[\"sha256:" + "11".repeat(32) + "\"]", "[]", "base must list at least one digest"),
                arguments("version: 1", "version: [", "not readable YAML"),
                arguments("version: 1\n", "--- {}\n---\nversion: 1\n", "not readable YAML"));
    }

    @ParameterizedTest(name = "{2}")
    @MethodSource("refusals")
    void read_ofAWrongFile_namesTheField(String part, String replacement, String expected) {
        assertThat(SOUND).contains(part);
        assertThatThrownBy(() -> read(SOUND.replace(part, replacement)))
                .isInstanceOf(AdapterException.class)
                .hasMessageStartingWith("adapter.yaml: ")
                .hasMessageContaining(expected)
                .message()
                .doesNotContain("\n");
    }

    /// The examples of EIP-55.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "0x52908400098527886E0F7030069857D2E4169EE7",
                "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                "0xde709f2102306220921060314715629080e2fb77",
                "0x27b1fdb04752bbc536007a920d24acb045561c26",
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
            })
    void isValid_ofEip55_needsTheChecksumOrLowerCase(String address) {
        assertThat(EvmAddress.isValid(address)).isTrue();
        assertThat(EvmAddress.checksummed(address)).isEqualTo(address);
        assertThat(EvmAddress.isValid(address.toLowerCase(Locale.ROOT))).isTrue();
        String swapped = address.substring(0, 2)
                + address.substring(2)
                        .chars()
                        .collect(StringBuilder::new, AdapterManifestTest::swapCase, StringBuilder::append);
        assertThat(EvmAddress.isValid(swapped)).isEqualTo(swapped.equals(swapped.toLowerCase(Locale.ROOT)));
    }

    private static void swapCase(StringBuilder text, int digit) {
        text.appendCodePoint(
                Character.isUpperCase(digit) ? Character.toLowerCase(digit) : Character.toUpperCase(digit));
    }

    private AdapterManifest read(String yaml) throws IOException {
        return AdapterManifest.read(Files.writeString(folder.resolve(AdapterManifest.FILE_NAME), yaml));
    }
}
