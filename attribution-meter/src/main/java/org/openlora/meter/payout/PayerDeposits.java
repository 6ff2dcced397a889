package org.openlora.meter.payout;

import com.esaulpaugh.headlong.abi.Tuple;
import java.math.BigInteger;
import java.util.List;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.ContractAbi;
import org.openlora.meter.chain.DeployedContract;
import org.openlora.meter.chain.DeterministicDeployment;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.chain.TransactionSender.Mined;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Eip712Domain;

/// `PayerDeposits`: what payers put down, charged into the operator's payout pool.
public final class PayerDeposits {
    private static final ContractAbi ABI = ContractAbi.of("PayerDeposits", "PayoutClaims", "DevelopmentToken");

    private final JsonRpc rpc;
    private final DeployedContract contract;
    private final Eip712Domain domain;

    /// What the contract holds of a channel.
    ///
    /// @param totalClaimed ever charged
    /// @param withdrawAmount asked back; zero for none
    public record State(
            BigInteger balance, BigInteger totalClaimed, BigInteger withdrawAmount, long withdrawableAtSeconds) {}

    /// A charge: what is to have been charged in all afterwards, and the voucher that allows it.
    public record Charge(PaymentChannel.Voucher voucher, BigInteger totalClaimedUnits) {
        Tuple tuple() {
            return Tuple.from(
                    voucher.channel().tuple(),
                    totalClaimedUnits,
                    voucher.maxClaimableUnits(),
                    voucher.signature().bytes());
        }
    }

    public PayerDeposits(JsonRpc rpc, long chainId, Address contract) {
        this.rpc = rpc;
        this.contract = new DeployedContract(rpc, contract, ABI);
        this.domain = new Eip712Domain(PaymentChannel.DOMAIN_NAME, "1", chainId, contract);
    }

    /// The deposit contract beside a payout contract; its address follows from that one's.
    public static DeterministicDeployment deployment(Address payoutClaims) {
        return new DeterministicDeployment(Keccak256.hash("OpenLoRA PayerDeposits v1"), ABI.creationCode(payoutClaims));
    }

    /// The deposit contract beside a payout contract, deployed now unless it stands already.
    public static PayerDeposits deploy(JsonRpc rpc, long chainId, TransactionSender sender, Address payoutClaims) {
        return new PayerDeposits(
                rpc, chainId, deployment(payoutClaims).deploy(rpc, sender, ABI).address());
    }

    public Address address() {
        return contract.address();
    }

    /// The domain that vouchers are signed in.
    public Eip712Domain domain() {
        return domain;
    }

    /// The channel's id as the contract computes it.
    public Bytes32 channelId(PaymentChannel channel) {
        return Bytes32.of(contract.read(BlockReference.LATEST, "channelIdOf", channel.tuple())
                .<byte[]>get(0));
    }

    public State state(PaymentChannel channel) {
        Tuple state = contract.read(
                BlockReference.LATEST, "channels", channel.id(domain).bytes());
        return new State(state.get(0), state.get(1), state.get(2), state.<Long>get(3));
    }

    /// Puts the sender's tokens into a channel.
    public Mined deposit(TransactionSender sender, PaymentChannel channel, BigInteger units) {
        new Erc20(rpc, channel.token()).approve(sender, contract.address(), units);
        return contract.send(sender, "deposit", channel.tuple(), units);
    }

    /// Charges one channel, all or nothing; by a submitter of the operator.
    public Mined charge(TransactionSender submitter, Charge charge) {
        return contract.send(submitter, "charge", charge.tuple());
    }

    /// Charges many channels of one operator and token; uncovered ones and those charged before are passed over.
    public Mined chargeMany(TransactionSender submitter, Bytes32 operatorId, Address token, List<Charge> charges) {
        return contract.send(
                submitter,
                "chargeMany",
                operatorId.bytes(),
                ContractAbi.address(token),
                charges.stream().map(Charge::tuple).toArray(Tuple[]::new));
    }

    /// Asks tokens back; by the payer. Zero takes the request back.
    public Mined requestWithdrawal(TransactionSender payer, PaymentChannel channel, BigInteger units) {
        return contract.send(payer, "requestWithdrawal", channel.tuple(), units);
    }

    /// Fetches what was asked back, once the delay is over; by the payer.
    public Mined withdraw(TransactionSender payer, PaymentChannel channel) {
        return contract.send(payer, "withdraw", channel.tuple());
    }
}
