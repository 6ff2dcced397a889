package org.openlora.meter.payout;

import com.esaulpaugh.headlong.abi.Tuple;
import java.math.BigInteger;
import org.openlora.meter.chain.ContractAbi;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.Signature;
import org.openlora.meter.receipt.Signer;

/// The terms of a payer's deposit with an operator, in the shape of x402's batch settlement. They never change:
/// their hash is the channel's id.
///
/// @param payerAuthorizer signs vouchers; zero for the payer itself
/// @param withdrawDelaySeconds how long a withdrawal waits, 900 to 2,592,000
/// @param salt tells channels of equal terms apart
public record PaymentChannel(
        Address payer,
        Address payerAuthorizer,
        Bytes32 operatorId,
        Address token,
        long withdrawDelaySeconds,
        Bytes32 salt) {
    static final String DOMAIN_NAME = "OpenLoRA PayerDeposits";
    private static final Bytes32 TYPE_HASH = Keccak256.hash("ChannelConfig(address payer,address payerAuthorizer,"
            + "bytes32 operatorId,address token,uint40 withdrawDelay,bytes32 salt)");
    private static final Bytes32 VOUCHER_TYPE_HASH =
            Keccak256.hash("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    private static final long LEAST_DELAY = 15 * 60;
    private static final long MOST_DELAY = 30 * 24 * 60 * 60;

    public PaymentChannel {
        if (payer.isZero()) {
            throw new IllegalArgumentException("a channel's payer must not be the zero address");
        }
        if (withdrawDelaySeconds < LEAST_DELAY || withdrawDelaySeconds > MOST_DELAY) {
            throw new IllegalArgumentException("a channel's withdrawal delay is " + withdrawDelaySeconds
                    + " s: allowed are " + LEAST_DELAY + " to " + MOST_DELAY);
        }
    }

    /// The payer's word that up to so much in all may be charged to the channel.
    public record Voucher(PaymentChannel channel, BigInteger maxClaimableUnits, Signature signature) {}

    /// The channel's id in the domain of a deposit contract.
    public Bytes32 id(Eip712Domain domain) {
        return domain.digest(Keccak256.hash(
                TYPE_HASH.bytes(),
                word(payer),
                word(payerAuthorizer),
                operatorId.bytes(),
                word(token),
                Bytes32.ofUnsigned(BigInteger.valueOf(withdrawDelaySeconds)).bytes(),
                salt.bytes()));
    }

    /// What the signature of a voucher signs.
    public Bytes32 voucherDigest(Eip712Domain domain, BigInteger maxClaimableUnits) {
        return domain.digest(Keccak256.hash(
                VOUCHER_TYPE_HASH.bytes(),
                id(domain).bytes(),
                Bytes32.ofUnsigned(maxClaimableUnits).bytes()));
    }

    /// A voucher of the payer or its authorizer.
    ///
    /// @throws IllegalArgumentException where the signer is neither
    public Voucher voucher(Eip712Domain domain, BigInteger maxClaimableUnits, Signer signer) {
        Address allowed = payerAuthorizer.isZero() ? payer : payerAuthorizer;
        if (!signer.address().equals(allowed)) {
            throw new IllegalArgumentException(
                    "vouchers of this channel are signed by " + allowed + ", not " + signer.address());
        }
        return new Voucher(this, maxClaimableUnits, signer.sign(voucherDigest(domain, maxClaimableUnits)));
    }

    Tuple tuple() {
        return Tuple.from(
                ContractAbi.address(payer),
                ContractAbi.address(payerAuthorizer),
                operatorId.bytes(),
                ContractAbi.address(token),
                withdrawDelaySeconds,
                salt.bytes());
    }

    private static byte[] word(Address address) {
        byte[] word = new byte[Bytes32.SIZE_BYTES];
        address.writeTo(word, Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        return word;
    }
}
