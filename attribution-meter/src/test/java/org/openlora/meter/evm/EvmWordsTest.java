package org.openlora.meter.evm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EvmWordsTest {
    @Test
    void keccak_emptyAndAbc_knownHashes() {
        assertThat(Keccak256.hash(""))
                .hasToString("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        assertThat(Keccak256.hash("abc"))
                .hasToString("0x4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
        assertThat(Keccak256.hash(new byte[] {'a'}, new byte[] {'b', 'c'})).isEqualTo(Keccak256.hash("abc"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = { // the examples of EIP-55
                "0x52908400098527886E0F7030069857D2E4169EE7",
                "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                "0xde709f2102306220921060314715629080e2fb77",
                "0x27b1fdb04752bbc536007a920d24acb045561c26",
                "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
                "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"
            })
    void address_eip55Examples_spelledAlike(String text) {
        assertThat(Address.parse(text)).hasToString(text);
        assertThat(Address.parse(text.toLowerCase(Locale.ROOT))).isEqualTo(Address.parse(text));
    }

    @Test
    void address_wrongChecksum_namesTheRightSpelling() {
        assertThatThrownBy(() -> Address.parse("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("EIP-55")
                .hasMessageContaining("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0x",
                "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                "0x5aAeb6",
                "0xzzAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
            })
    void address_malformed_refusedInOneLine(String text) {
        assertThatThrownBy(() -> Address.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void words_randomBytes_roundTripAndOrderAsUnsigned() {
        Random random = new Random(1);
        for (int i = 0; i < 500; i++) {
            byte[] first = new byte[32];
            byte[] second = new byte[32];
            random.nextBytes(first);
            random.nextBytes(second);
            int shared = random.nextInt(33);
            System.arraycopy(first, 0, second, 0, shared);
            Bytes32 a = Bytes32.of(first);
            Bytes32 b = Bytes32.of(second);
            assertThat(a.bytes()).isEqualTo(first);
            assertThat(Bytes32.parse(a.toString())).isEqualTo(a).hasSameHashCodeAs(a);
            assertThat(Bytes32.ofUnsigned(a.toUnsigned())).isEqualTo(a);
            assertThat(Integer.signum(a.compareTo(b))).isEqualTo(a.toUnsigned().compareTo(b.toUnsigned()));
            Address x = Address.of(first, 12);
            Address y = Address.of(second, 12);
            assertThat(Address.parse(x.toString())).isEqualTo(x);
            assertThat(Integer.signum(x.compareTo(y)))
                    .isEqualTo(new BigInteger(1, x.bytes()).compareTo(new BigInteger(1, y.bytes())));
        }
    }

    @Test
    void bytes32_wrongLengthOrRange_refused() {
        assertThatThrownBy(() -> Bytes32.of(new byte[31])).hasMessageContaining("32 bytes, not 31");
        assertThatThrownBy(() -> Bytes32.parse("0x00")).hasMessageContaining("64 hexadecimal digits");
        assertThatThrownBy(() -> Bytes32.ofUnsigned(BigInteger.ONE.negate())).hasMessageContaining("-1");
        assertThatThrownBy(() -> Bytes32.ofUnsigned(BigInteger.TWO.pow(256)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(Bytes32.ZERO.isZero()).isTrue();
        assertThat(new Bytes32(0, 0, 0, 1).isZero()).isFalse();
    }
}
