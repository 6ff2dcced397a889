package org.openlora.meter.payout;

import com.esaulpaugh.headlong.abi.Tuple;
import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
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
import org.openlora.meter.merkle.MerkleProof;

/// One operator's pool of one token in `PayoutClaims`: reads, and the transactions of whoever may send them.
public final class PayoutPool {
    static final ContractAbi ABI = ContractAbi.of("PayoutClaims", "DevelopmentToken");

    /// A round becomes claimable by time alone; a chain without transactions makes no block that shows it.
    private static final BlockReference NEXT_BLOCK = new BlockReference("pending");

    private final DeployedContract contract;
    private final Bytes32 operatorId;
    private final Erc20 token;

    /// What the contract holds of a pool.
    ///
    /// @param guardian zero: the pool is not open
    /// @param rounds number of the last round
    /// @param allocated promised to payees, paid or not
    /// @param claimable number of the round that is claimed from now; 0 for none
    public record State(
            Address guardian,
            int activationDelaySeconds,
            long rounds,
            BigInteger deposited,
            BigInteger claimed,
            BigInteger allocated,
            long claimable,
            Bytes32 claimableRoot) {
        public boolean isOpen() {
            return !guardian.isZero();
        }
    }

    /// What it holds of a round.
    ///
    /// @param replaces the round that counts instead where this one is disabled; 0 for none
    public record Posted(
            Bytes32 root,
            Bytes32 dataHash,
            BigInteger total,
            long activatesAtSeconds,
            long replaces,
            boolean disabled) {}

    public PayoutPool(JsonRpc rpc, Address contract, Bytes32 operatorId, Address token) {
        this.contract = new DeployedContract(rpc, contract, ABI);
        this.operatorId = operatorId;
        this.token = new Erc20(rpc, token);
    }

    /// The payout contract beside a ledger; its address follows from the ledger's.
    public static DeterministicDeployment deployment(Address ledger) {
        return new DeterministicDeployment(Keccak256.hash("OpenLoRA PayoutClaims v1"), ABI.creationCode(ledger));
    }

    /// The payout contract beside a ledger, deployed now unless it stands already.
    public static Address deploy(JsonRpc rpc, TransactionSender sender, Address ledger) {
        return deployment(ledger).deploy(rpc, sender, ABI).address();
    }

    public Address contract() {
        return contract.address();
    }

    public Erc20 token() {
        return token;
    }

    public Bytes32 operatorId() {
        return operatorId;
    }

    /// The id that stands in every leaf.
    public Bytes32 id() {
        return Bytes32.of(read("poolIdOf", operatorId.bytes(), ContractAbi.address(token.address()))
                .<byte[]>get(0));
    }

    /// The id, computed as the contract does.
    public static Bytes32 idOf(long chainId, Address contract, Bytes32 operatorId, Address token) {
        return Keccak256.hash(
                Bytes32.ofUnsigned(BigInteger.valueOf(chainId)).bytes(),
                word(contract),
                operatorId.bytes(),
                word(token));
    }

    private static byte[] word(Address address) {
        byte[] word = new byte[Bytes32.SIZE_BYTES];
        address.writeTo(word, Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        return word;
    }

    public State state() {
        Bytes32 id = id();
        Tuple pool = read("pools", id.bytes());
        Tuple claimable = contract.read(NEXT_BLOCK, "claimableRound", id.bytes());
        BigInteger allocated = read("allocated", id.bytes()).get(0);
        return new State(
                Address.parse(pool.get(2).toString()),
                Math.toIntExact(pool.<Long>get(3)),
                pool.<BigInteger>get(4).longValueExact(),
                pool.get(0),
                pool.get(1),
                allocated,
                claimable.<BigInteger>get(0).longValueExact(),
                Bytes32.of(claimable.<byte[]>get(1)));
    }

    /// A round as the contract has it; empty where it has none of this number.
    public Optional<Posted> round(long number) {
        Tuple round = read("rounds", id().bytes(), BigInteger.valueOf(number));
        Bytes32 root = Bytes32.of(round.<byte[]>get(0));
        return root.isZero()
                ? Optional.empty()
                : Optional.of(new Posted(
                        root,
                        Bytes32.of(round.<byte[]>get(1)),
                        round.get(2),
                        round.<Long>get(3),
                        round.<BigInteger>get(4).longValueExact(),
                        round.get(5)));
    }

    /// What a payee has claimed in all.
    public BigInteger claimed(Address payee) {
        return read("claimed", id().bytes(), ContractAbi.address(payee)).get(0);
    }

    /// Opens the pool; by the operator's admin.
    public Mined open(TransactionSender admin, Address guardian, int activationDelaySeconds) {
        return contract.send(
                admin,
                "openPool",
                operatorId.bytes(),
                ContractAbi.address(token.address()),
                ContractAbi.address(guardian),
                (long) activationDelaySeconds);
    }

    /// Puts the sender's tokens in.
    public Mined fund(TransactionSender sender, BigInteger units) {
        token.approve(sender, contract.address(), units);
        return contract.send(sender, "fund", operatorId.bytes(), ContractAbi.address(token.address()), units);
    }

    /// Posts a round; by a submitter. An identical round again changes nothing.
    public Mined post(TransactionSender submitter, PayoutRound round) {
        return contract.send(
                submitter,
                "postRound",
                operatorId.bytes(),
                ContractAbi.address(token.address()),
                BigInteger.valueOf(round.number()),
                round.tree().root().bytes(),
                round.totalUnits(),
                round.dataHash().bytes());
    }

    /// Stops a round that is not claimable yet; by the guardian or the operator's admin.
    public Mined disable(TransactionSender sender, long number) {
        return contract.send(
                sender,
                "disableRound",
                operatorId.bytes(),
                ContractAbi.address(token.address()),
                BigInteger.valueOf(number));
    }

    /// Pays one payee what the round gives it; by anyone.
    public Mined claim(TransactionSender sender, PayoutRound round, PayoutEntry entry) {
        MerkleProof proof = round.proof(entry.payee());
        return contract.send(
                sender,
                "claim",
                operatorId.bytes(),
                ContractAbi.address(token.address()),
                ContractAbi.address(entry.payee()),
                entry.cumulativeUnits(),
                round.tree().root().bytes(),
                siblings(proof));
    }

    /// Pays many payees in one transaction; those that have had everything are passed over.
    public Mined claimMany(TransactionSender sender, PayoutRound round, List<PayoutEntry> entries) {
        byte[] root = round.tree().root().bytes();
        Tuple[] claims = entries.stream()
                .map(entry -> Tuple.from(
                        operatorId.bytes(),
                        ContractAbi.address(token.address()),
                        ContractAbi.address(entry.payee()),
                        entry.cumulativeUnits(),
                        root,
                        siblings(round.proof(entry.payee()))))
                .toArray(Tuple[]::new);
        return contract.send(sender, "claimMany", (Object) claims);
    }

    /// Who may claim for a payee and choose where the money goes; zero for nobody.
    public Address claimer(Address payee) {
        return Address.parse(read("claimers", ContractAbi.address(payee)).get(0).toString());
    }

    /// Appoints who may claim for the sender.
    public Mined setClaimer(TransactionSender payee, Address claimer) {
        return contract.send(payee, "setClaimer", ContractAbi.address(claimer));
    }

    private static byte[][] siblings(MerkleProof proof) {
        return proof.siblings().stream().map(Bytes32::bytes).toArray(byte[][]::new);
    }

    private Tuple read(String function, Object... arguments) {
        return contract.read(BlockReference.LATEST, function, arguments);
    }
}
