package org.openlora.meter.chain;

import com.esaulpaugh.headlong.rlp.RLPEncoder;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Signature;
import org.openlora.meter.receipt.Signer;

/// A call of a contract as a type 2 transaction (EIP-1559), without value and access list.
///
/// @param data call data as `0x…`
record Eip1559Transaction(
        long chainId,
        long nonce,
        BigInteger maxPriorityFeeWei,
        BigInteger maxFeeWei,
        long gasLimit,
        Address to,
        String data) {
    private static final byte TYPE = 2;

    /// What goes over the wire, and the hash it is known by.
    record Signed(String raw, Bytes32 hash) {}

    Signed sign(Signer signer) {
        List<Object> fields = fields();
        Signature signature = signer.sign(Keccak256.hash(typed(fields)));
        fields.add(integer(BigInteger.valueOf(signature.v() - 27)));
        fields.add(integer(signature.r().toUnsigned()));
        fields.add(integer(signature.s().toUnsigned()));
        byte[] raw = typed(fields);
        return new Signed(Hex.encode(raw), Keccak256.hash(raw));
    }

    private List<Object> fields() {
        return new ArrayList<>(List.of(
                integer(BigInteger.valueOf(chainId)),
                integer(BigInteger.valueOf(nonce)),
                integer(maxPriorityFeeWei),
                integer(maxFeeWei),
                integer(BigInteger.valueOf(gasLimit)),
                to.bytes(),
                integer(BigInteger.ZERO),
                Hex.decode(data),
                List.of()));
    }

    private static byte[] typed(List<Object> fields) {
        byte[] list = RLPEncoder.list(fields);
        byte[] typed = new byte[list.length + 1];
        typed[0] = TYPE;
        System.arraycopy(list, 0, typed, 1, list.length);
        return typed;
    }

    /// RLP integers have no leading zeros; zero is the empty string.
    private static byte[] integer(BigInteger value) {
        if (value.signum() == 0) {
            return new byte[0];
        }
        byte[] bytes = value.toByteArray();
        return bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
    }
}
