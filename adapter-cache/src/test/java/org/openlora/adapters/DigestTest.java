package org.openlora.adapters;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DigestTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void parse_ofBothForms_isTheSame() {
        Digest digest = Digest.sha256(new byte[0]);
        assertThat(digest.toString())
                .isEqualTo("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assertThat(Digest.parse(digest.toString())).isEqualTo(digest);
        assertThat(Digest.parse(digest.hex())).isEqualTo(digest);
        assertThat(Digest.of(digest.bytes())).isEqualTo(digest);
        assertThat(Digest.ZERO.isZero()).isTrue();
        assertThat(new Digest("ff".repeat(32))).isGreaterThan(new Digest("0f".repeat(32)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "sha256:", "sha1:00", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"})
    void parse_ofAnythingElse_isRefused(String text) {
        assertThatThrownBy(() -> Digest.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("64 lower-case hexadecimal digits");
    }

    @Test
    void builder_writesLengthsLittleEndian() {
        byte[] expected = "\1\0\0\0\0\0\0\0d\2\0\0\0\0\0\0\0ab\3\0\0\0\0\0\0\0".getBytes(StandardCharsets.US_ASCII);
        assertThat(new DigestBuilder("d").lp("ab").u64(3).finish()).isEqualTo(Digest.sha256(expected));
    }

    @Test
    void jcs_ofNumbersAndKeys_isCanonical() throws IOException {
        byte[] jcs = DigestBuilder.jcs(
                JSON.readTree("{\"b\":16.0,\"a\":[1e-7,\"\\u20ac\",null,true],\"\\ud83d\\ude00\":1,\"\\ufb33\":2}"));
        assertThat(new String(jcs, StandardCharsets.UTF_8))
                .isEqualTo("{\"a\":[1e-7,\"€\",null,true],\"b\":16,\"\uD83D\uDE00\":1,\"\uFB33\":2}");
    }

    @Test
    void contentDigest_ofTensorsOutOfOrderOrMissing_isRefused() throws IOException {
        var digest = new ContentDigest("d", JSON.readTree("{}"), 2);
        MemorySegment bytes = MemorySegment.ofArray(new byte[4]);
        digest.tensor("b", "F32", new long[] {1}, bytes);
        assertThatThrownBy(() -> digest.tensor("a", "F32", new long[] {1}, bytes))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(digest::finish).isInstanceOf(IllegalStateException.class);
    }
}
