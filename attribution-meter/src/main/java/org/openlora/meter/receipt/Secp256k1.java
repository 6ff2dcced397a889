package org.openlora.meter.receipt;

import java.util.Arrays;
import java.util.Optional;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.slf4j.LoggerFactory;

/// The curve's three operations. Both implementations give the same bytes: RFC 6979 with SHA-256, low s.
sealed interface Secp256k1 permits NativeSecp256k1, BouncyCastleSecp256k1 {
    /// libsecp256k1 where its natives exist for this platform, Bouncy Castle elsewhere.
    static Secp256k1 get() {
        return Holder.INSTANCE;
    }

    /// Uncompressed public key, 64 bytes x ‖ y.
    byte[] publicKey(byte[] privateKey);

    /// @param publicKey of the private key, as [#publicKey] gives it
    Signature sign(byte[] privateKey, byte[] publicKey, Bytes32 digest);

    /// The account that made the signature; empty where no curve point fits.
    Optional<Address> recover(Bytes32 digest, Signature signature);

    /// Last 20 bytes of the hash of x ‖ y.
    static Address address(byte[] publicKey) {
        return Address.of(Keccak256.hash(publicKey).bytes(), Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
    }

    /// x ‖ y of a key that carries the leading 0x04 of SEC 1.
    static byte[] withoutPrefix(byte[] uncompressed) {
        return Arrays.copyOfRange(uncompressed, 1, 65);
    }

    /// Chooses once per process.
    final class Holder {
        static final Secp256k1 INSTANCE = choose();

        private Holder() {}

        private static Secp256k1 choose() {
            Optional<NativeSecp256k1> natives = NativeSecp256k1.load();
            if (natives.isPresent()) {
                return natives.get();
            }
            LoggerFactory.getLogger(Secp256k1.class)
                    .info("no libsecp256k1 for this platform; signing with Bouncy Castle, which gives the same bytes");
            return new BouncyCastleSecp256k1();
        }
    }
}
