package org.openlora.adapters.origin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;

class AdapterOriginTest {
    private static final String HASH = "ab".repeat(32);

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file:///srv/adapters/legal",
                "hf://acme/legal-lora@main",
                "hf://acme/legal-lora@refs%2Fpr%2F1/adapters/v2",
                "hf://acme/legal-lora@0123456789012345678901234567890123456789",
                "s3://acme-models/loras/legal",
                "s3://acme-models",
            })
    void parse_canonicalText_comesBackTheSame(String text) {
        assertThat(AdapterOrigin.parse(text)).hasToString(text);
    }

    @Test
    void parse_httpsText_comesBackTheSame() {
        String text = "https://models.acme.org/loras/legal/#adapter_config.json=%s&adapter_model.safetensors=%s"
                .formatted(HASH, HASH);
        assertThat(AdapterOrigin.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @CsvSource({
        "hf://acme/legal, hf://acme/legal@main",
        "hf://acme/legal@v1/sub/, hf://acme/legal@v1/sub",
        "s3://acme-models/loras/, s3://acme-models/loras",
        "file:///srv/./adapters/x/../legal, file:///srv/adapters/legal",
    })
    void parse_otherText_becomesCanonical(String text, String canonical) {
        assertThat(AdapterOrigin.parse(text)).hasToString(canonical);
    }

    static Stream<Arguments> unsound() {
        return Stream.of(
                Arguments.of("legal", "none of the forms"),
                Arguments.of("ftp://acme/legal", "none of the forms"),
                Arguments.of("file://srv/adapters", "file:///absolute/path"),
                Arguments.of("hf://acme", "names no repository"),
                Arguments.of("hf://ac me/legal", "is not owner/name"),
                Arguments.of("hf://../legal", "is not owner/name"),
                Arguments.of("hf://acme/legal@../x", "is not a branch, tag or commit"),
                Arguments.of("hf://acme/legal@", "is not a branch, tag or commit"),
                Arguments.of("hf://acme/legal@main/../../etc", "subfolder"),
                Arguments.of("hf://acme/legal@main/a//b", "subfolder"),
                Arguments.of("hf://acme/legal@main/a?b", "subfolder"),
                Arguments.of("s3://Bucket/x", "bucket"),
                Arguments.of("s3://b/x", "bucket"),
                Arguments.of("s3://acme-models/../other", "prefix"),
                Arguments.of("s3://acme-models/a\nb", "prefix"),
                Arguments.of("https://acme.org/legal/", "needs the SHA-256"),
                Arguments.of("https://acme.org/legal/#adapter_config.json", "is not file=sha256"),
                Arguments.of("https://acme.org/legal/#adapter_config.json=12", "hexadecimal"),
                Arguments.of("https://acme.org/legal/#adapter_config.json=" + HASH, "neither adapter_model"),
                Arguments.of("https://acme.org/legal/#adapter_model.safetensors=" + HASH, "no adapter_config.json"),
                Arguments.of(https("acme.org/legal/", "../adapter_config.json"), "is no file of an adapter"),
                Arguments.of(https("acme.org/legal/", "x%2Fy.safetensors"), "is no file of an adapter"),
                Arguments.of(https("acme.org/legal/", "adapter_model.bin"), "pickle"),
                Arguments.of(https("acme.org/legal", "adapter.yaml"), "slash at its end"),
                Arguments.of(https("me:secret@acme.org/legal/", "adapter.yaml"), "must not hold a user"),
                Arguments.of(https("acme.org/legal/?token=secret", "adapter.yaml"), "must not hold a user"));
    }

    @ParameterizedTest
    @MethodSource
    void unsound(String text, String reason) {
        assertThatThrownBy(() -> AdapterOrigin.parse(text))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isIn(Code.INVALID, Code.UNSUPPORTED))
                .hasMessageContaining(reason)
                .hasMessageNotContaining("secret");
    }

    @Test
    void select_withoutSafetensors_namesThePickle() {
        assertThatThrownBy(() -> AdapterFiles.select(List.of("adapter_config.json", "adapter_model.bin")))
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
                .hasMessageContaining("'adapter_model.bin' is a pickle file");
    }

    @Test
    void select_amongOthers_takesTheAdaptersOwn() {
        assertThat(AdapterFiles.select(List.of(
                        "README.md",
                        "adapter_config.json",
                        "adapter.yaml",
                        "adapter_model.safetensors",
                        "model-00001-of-00002.safetensors",
                        "adapter_model.bin",
                        ".hidden.safetensors")))
                .containsExactly("adapter.yaml", "adapter_config.json", "adapter_model.safetensors");
    }

    @ParameterizedTest
    @CsvSource({
        "hf://acme, hf://acme/legal, true",
        "hf://acme, hf://acme-evil/legal, false",
        "hf://acme/legal, hf://acme/legal@v1/sub, true",
        "hf://acme/legal, hf://acme/legal2, false",
        "s3://models, s3://models/a/b, true",
        "s3://models, s3://models2/a, false",
        "s3://models/loras, s3://models/loras, true",
        "s3://models/loras, s3://models/loras2, false",
        "https://acme.org/, https://acme.org/x/, true",
        "https://acme.org/, https://acme.org.evil.com/x/, false",
        "https://acme.org/x/, https://acme.org/y/, false",
        "https://acme.org/, http://acme.org/x/, false",
        "https://acme.org/, https://acme.org:8443/x/, false",
    })
    void allowed_belowAnEntry_partByPart(String entry, String text, boolean allowed) {
        String origin = text.startsWith("http")
                ? text + "#adapter_config.json=%s&adapter_model.safetensors=%s".formatted(HASH, HASH)
                : text;
        AllowedOrigins origins = AllowedOrigins.parse(List.of("hf://someone/else", entry));
        if (allowed) {
            assertThatCode(() -> origins.check(AdapterOrigin.parse(origin))).doesNotThrowAnyException();
        } else {
            assertThatThrownBy(() -> origins.check(AdapterOrigin.parse(origin)))
                    .isInstanceOfSatisfying(
                            AdapterException.class, e -> assertThat(e.code()).isEqualTo(Code.REFUSED))
                    .hasMessageContaining(entry);
        }
    }

    @Test
    void allowed_folderLinkThatLeadsOut_isRefused() throws IOException {
        Path inside = Files.createDirectories(temporary.resolve("allowed/one"));
        Path outside = Files.createDirectories(temporary.resolve("secret"));
        Path link = Files.createSymbolicLink(temporary.resolve("allowed/two"), outside);
        AllowedOrigins origins = AllowedOrigins.parse(List.of("file://" + temporary.resolve("allowed")));

        assertThatCode(() -> origins.check(new AdapterOrigin.LocalFolder(inside))).doesNotThrowAnyException();
        assertThatThrownBy(() -> origins.check(new AdapterOrigin.LocalFolder(link)))
                .isInstanceOf(AdapterException.class);
        assertThatThrownBy(() -> origins.check(new AdapterOrigin.LocalFolder(inside.resolve("../../secret"))))
                .isInstanceOf(AdapterException.class);
    }

    @Test
    void allowed_nothingListed_saysSo() {
        assertThatThrownBy(() -> AllowedOrigins.parse(List.of()).check(AdapterOrigin.parse("hf://acme/legal")))
                .hasMessageContaining("'hf://acme/legal@main'; allowed: nothing but the adapter root");
    }

    @ParameterizedTest
    @ValueSource(strings = {"acme", "hf://", "hf://acme/legal@main", "s3://", "https://acme.org", "file://srv", "*"})
    void allowed_unsoundEntry_isNamed(String entry) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AllowedOrigins.parse(List.of(entry)))
                .withMessageContaining("'" + entry + "'");
    }

    private static String https(String place, String moreFile) {
        return "https://%s#adapter_config.json=%s&adapter_model.safetensors=%s&%s=%s"
                .formatted(place, HASH, HASH, moreFile, HASH);
    }
}
