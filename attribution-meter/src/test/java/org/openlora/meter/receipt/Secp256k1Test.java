package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

class Secp256k1Test {
    private static final Secp256k1 JAVA = new BouncyCastleSecp256k1();

    @Test
    void implementations_randomKeysAndDigests_byteEqual() {
        Optional<NativeSecp256k1> natives = NativeSecp256k1.load();
        assumeTrue(natives.isPresent(), "skipped: libsecp256k1 has no natives for this platform");
        Random random = new Random(7);
        for (int i = 0; i < 100; i++) {
            byte[] key = ReceiptFixtures.word(random).bytes();
            Bytes32 digest = ReceiptFixtures.word(random);
            assertThat(JAVA.publicKey(key)).isEqualTo(natives.get().publicKey(key));
            byte[] publicKey = natives.get().publicKey(key);
            Signature signature = natives.get().sign(key, publicKey, digest);
            assertThat(JAVA.sign(key, publicKey, digest)).isEqualTo(signature);
            Address signer = Secp256k1.address(JAVA.publicKey(key));
            assertThat(JAVA.recover(digest, signature)).contains(signer);
            assertThat(natives.get().recover(digest, signature)).contains(signer);
            Signature mirrored = new Signature(signature.r(), signature.s(), 55 - signature.v());
            assertThat(JAVA.recover(digest, mirrored)).isEqualTo(natives.get().recover(digest, mirrored));
            assertThat(JAVA.recover(digest, mirrored)).isNotEqualTo(Optional.of(signer));
        }
    }

    @Test
    void recover_rThatIsNoPoint_emptyInBoth() {
        // 5 is the x-coordinate of no point of the curve
        Signature signature = new Signature(Bytes32.ofUnsigned(BigInteger.valueOf(5)), new Bytes32(0, 0, 0, 1), 27);
        assertThat(JAVA.recover(Bytes32.ZERO, signature)).isEmpty();
        NativeSecp256k1.load().ifPresent(natives -> assertThat(natives.recover(Bytes32.ZERO, signature))
                .isEmpty());
    }

    @Test
    void signature_outsideTheAcceptedForm_refused() {
        byte[] valid =
                OperatorKey.ofHex("11".repeat(32)).sign(new Bytes32(1, 2, 3, 4)).bytes();
        assertThat(Signature.of(valid).bytes()).isEqualTo(valid);
        byte[] wrongV = valid.clone();
        wrongV[64] = 0;
        assertThatThrownBy(() -> Signature.of(wrongV)).hasMessageContaining("v must be 27 or 28");
        byte[] highS = valid.clone();
        BigInteger high = Signature.ORDER.subtract(Signature.of(valid).s().toUnsigned());
        Bytes32.ofUnsigned(high).writeTo(highS, 32);
        assertThatThrownBy(() -> Signature.of(highS)).hasMessageContaining("not the low one");
        byte[] noR = valid.clone();
        Arrays.fill(noR, 0, 32, (byte) 0);
        assertThatThrownBy(() -> Signature.of(noR)).hasMessageContaining("r is out of range");
        assertThatThrownBy(() -> Signature.of(new byte[64])).hasMessageContaining("65 bytes, not 64");
    }
}
