package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

class OperatorKeyTest {
    /// The first account of anvil and Hardhat, known to everyone.
    private static final String KNOWN_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    @Test
    void parse_malformed_refusedWithoutShowingTheKey() {
        for (String text :
                List.of("", "12", KNOWN_KEY + "00", "zz" + KNOWN_KEY.substring(2), "00".repeat(32), "ff".repeat(32))) {
            assertThatThrownBy(() -> OperatorKey.parse(text, "key file k"))
                    .hasMessageStartingWith("key file k")
                    .message()
                    .doesNotContain(KNOWN_KEY.substring(2, 20));
        }
        assertThat(OperatorKey.ofHex(KNOWN_KEY).toString())
                .doesNotContain(KNOWN_KEY)
                .contains("0xf39Fd6");
    }
}
