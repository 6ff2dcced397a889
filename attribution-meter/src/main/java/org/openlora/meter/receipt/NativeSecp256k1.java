package org.openlora.meter.receipt;

import fr.acinq.secp256k1.Secp256k1Exception;
import java.util.Arrays;
import java.util.Optional;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.slf4j.LoggerFactory;

/// Bitcoin's libsecp256k1 through JNI.
final class NativeSecp256k1 implements Secp256k1 {
    private final fr.acinq.secp256k1.Secp256k1 library;

    private NativeSecp256k1(fr.acinq.secp256k1.Secp256k1 library) {
        this.library = library;
    }

    /// Empty where the library has no natives for this platform.
    static Optional<NativeSecp256k1> load() {
        try {
            return Optional.of(new NativeSecp256k1(fr.acinq.secp256k1.Secp256k1.get()));
        } catch (IllegalStateException | LinkageError e) {
            LoggerFactory.getLogger(NativeSecp256k1.class).debug("libsecp256k1 did not load", e);
            return Optional.empty();
        }
    }

    @Override
    public byte[] publicKey(byte[] privateKey) {
        return Secp256k1.withoutPrefix(library.pubkeyCreate(privateKey));
    }

    @Override
    public Signature sign(byte[] privateKey, byte[] publicKey, Bytes32 digest) {
        byte[] message = digest.bytes();
        byte[] compact = library.sign(message, privateKey);
        for (int recoveryId = 0; recoveryId < 2; recoveryId++) {
            byte[] recovered = Secp256k1.withoutPrefix(library.ecdsaRecover(compact, message, recoveryId));
            if (Arrays.equals(publicKey, recovered)) {
                return new Signature(Bytes32.of(compact, 0), Bytes32.of(compact, 32), 27 + recoveryId);
            }
        }
        // r wrapped around the group order: about 2^-128 of all signatures.
        throw new IllegalStateException("signature has no recovery id 0 or 1");
    }

    @Override
    public Optional<Address> recover(Bytes32 digest, Signature signature) {
        byte[] compact = Arrays.copyOf(signature.bytes(), 64);
        try {
            byte[] publicKey = library.ecdsaRecover(compact, digest.bytes(), signature.v() - 27);
            return Optional.of(Secp256k1.address(Secp256k1.withoutPrefix(publicKey)));
        } catch (Secp256k1Exception e) {
            return Optional.empty(); // the library's only way to say that no point fits
        }
    }
}
