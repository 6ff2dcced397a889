package org.openlora.meter.receipt;

import java.math.BigInteger;
import java.util.Optional;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.signers.HMacDSAKCalculator;
import org.bouncycastle.math.ec.ECAlgorithms;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The curve in Java, for platforms without libsecp256k1.
final class BouncyCastleSecp256k1 implements Secp256k1 {
    private static final X9ECParameters CURVE = CustomNamedCurves.getByName("secp256k1");
    private static final BigInteger N = CURVE.getN();

    @Override
    public byte[] publicKey(byte[] privateKey) {
        return Secp256k1.withoutPrefix(timesG(new BigInteger(1, privateKey)).getEncoded(false));
    }

    @Override
    public Signature sign(byte[] privateKey, byte[] publicKey, Bytes32 digest) {
        BigInteger key = new BigInteger(1, privateKey);
        BigInteger message = digest.toUnsigned();
        HMacDSAKCalculator nonces = new HMacDSAKCalculator(new SHA256Digest());
        nonces.init(N, key, digest.bytes());
        while (true) {
            BigInteger nonce = nonces.nextK();
            ECPoint point = timesG(nonce);
            BigInteger r = point.getAffineXCoord().toBigInteger().mod(N);
            BigInteger s =
                    nonce.modInverse(N).multiply(message.add(r.multiply(key))).mod(N);
            if (r.signum() != 0 && s.signum() != 0) {
                boolean odd = point.getAffineYCoord().toBigInteger().testBit(0);
                boolean high = s.compareTo(N.shiftRight(1)) > 0;
                BigInteger low = high ? N.subtract(s) : s; // negating s mirrors the point
                return new Signature(Bytes32.ofUnsigned(r), Bytes32.ofUnsigned(low), odd == high ? 27 : 28);
            }
        }
    }

    @Override
    public Optional<Address> recover(Bytes32 digest, Signature signature) {
        byte[] compressed = new byte[33];
        compressed[0] = (byte) (2 + signature.v() - 27);
        signature.r().writeTo(compressed, 1);
        ECPoint point;
        try {
            point = CURVE.getCurve().decodePoint(compressed);
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // r is no x-coordinate of the curve
        }
        BigInteger inverse = signature.r().toUnsigned().modInverse(N);
        BigInteger first = digest.toUnsigned().negate().multiply(inverse).mod(N);
        BigInteger second = signature.s().toUnsigned().multiply(inverse).mod(N);
        ECPoint key = ECAlgorithms.sumOfTwoMultiplies(CURVE.getG(), first, point, second)
                .normalize();
        if (key.isInfinity()) {
            return Optional.empty();
        }
        return Optional.of(Secp256k1.address(Secp256k1.withoutPrefix(key.getEncoded(false))));
    }

    private static ECPoint timesG(BigInteger scalar) {
        return new FixedPointCombMultiplier().multiply(CURVE.getG(), scalar).normalize();
    }
}
