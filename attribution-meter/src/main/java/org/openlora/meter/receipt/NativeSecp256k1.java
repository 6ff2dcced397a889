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
    /// Of the key that signed last: a process has few, and most have one.
    private volatile Signing last = new Signing(new byte[0], new byte[0]);

    /// A private key, which is not copied, and its public key.
    @SuppressWarnings("ArrayRecordComponent") // compared by identity alone
    private record Signing(byte[] privateKey, byte[] publicKey) {}

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

    /// The library does not say which of the two points of this x was the nonce's, so the key is recovered from one; if
    /// it is another's, it was the other point. (Recovering costs as much as signing twice.)
    @Override
    public Signature sign(byte[] privateKey, Bytes32 digest) {
        byte[] message = digest.bytes();
        byte[] compact = library.sign(message, privateKey);
        byte[] first = library.ecdsaRecover(compact, message, 0);
        int recoveryId = Arrays.equals(publicKeyOf(privateKey), first) ? 0 : 1;
        return new Signature(Bytes32.of(compact, 0), Bytes32.of(compact, 32), 27 + recoveryId);
    }

    @SuppressWarnings("ReferenceEquality") // the same array, not an equal key: comparing keys would take its time
    private byte[] publicKeyOf(byte[] privateKey) {
        Signing known = last;
        if (known.privateKey() != privateKey) {
            known = new Signing(privateKey, library.pubkeyCreate(privateKey));
            last = known;
        }
        return known.publicKey();
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
