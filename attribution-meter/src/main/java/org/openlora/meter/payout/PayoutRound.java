package org.openlora.meter.payout;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;

/// A payout round: what every payee has earned and may have had since the beginning, and from which receipts that
/// follows. Its JSON is published under the hash of its bytes, which the contract holds; tree and proofs follow
/// from it.
///
/// @param poolId whose round: chain, contract, operator and token
/// @param number 1, 2, 3 … in the contract
/// @param previous `dataHash` of the round that this one goes on from; zero for none
/// @param streams the receipts that count, by ascending id
/// @param entries by ascending payee
/// @param pools by ascending datanet
public record PayoutRound(
        Bytes32 poolId,
        long number,
        SettlementToken token,
        Bytes32 previous,
        List<AnchoredStream> streams,
        List<PayoutEntry> entries,
        List<DatanetPool> pools) {
    /// ABI types of a leaf's columns: pool, account, cumulative amount.
    public static final List<String> LEAF_ENCODING = List.of("bytes32", "address", "uint256");

    private static final BigInteger MISSING = BigInteger.ONE.negate();

    public PayoutRound {
        streams = List.copyOf(streams);
        entries = List.copyOf(entries);
        pools = List.copyOf(pools);
        if (number < 1) {
            throw new IllegalArgumentException("rounds are numbered from 1, not " + number);
        }
        requireAscending("stream", streams, AnchoredStream::stream);
        requireAscending("payee", entries, PayoutEntry::payee);
        requireAscending("datanet", pools, DatanetPool::datanet);
        for (PayoutEntry entry : entries) {
            if (token.unitsWithin(entry.carriedPico(token)).signum() > 0) {
                throw new IllegalArgumentException("payee " + entry.payee() + " is given less than it has earned: "
                        + entry.cumulativeUnits() + " units of " + entry.earnedPico() + " pico-units");
            }
        }
    }

    private static <T, K extends Comparable<K>> void requireAscending(String what, List<T> items, Function<T, K> key) {
        for (int i = 1; i < items.size(); i++) {
            if (key.apply(items.get(i - 1)).compareTo(key.apply(items.get(i))) >= 0) {
                throw new IllegalArgumentException(
                        what + " " + key.apply(items.get(i)) + " is out of order or repeated");
            }
        }
    }

    /// The units of all payees together.
    public BigInteger totalUnits() {
        return entries.stream().map(PayoutEntry::cumulativeUnits).reduce(BigInteger.ZERO, BigInteger::add);
    }

    /// The net price of all receipts that count: what payees were credited, paid or not, and what waits in pools.
    public BigInteger netPico() {
        BigInteger waiting = pools.stream().map(DatanetPool::waitingPico).reduce(BigInteger.ZERO, BigInteger::add);
        return entries.stream().map(PayoutEntry::earnedPico).reduce(waiting, BigInteger::add);
    }

    /// What this round says of a payee.
    public Optional<PayoutEntry> entry(Address payee) {
        return entries.stream().filter(entry -> entry.payee().equals(payee)).findFirst();
    }

    /// The payees with a leaf: those that may have had something.
    public List<PayoutEntry> leaves() {
        return entries.stream()
                .filter(entry -> entry.cumulativeUnits().signum() > 0)
                .toList();
    }

    /// The tree over [#leaves()].
    ///
    /// @throws IllegalArgumentException where there is none
    public MerkleTree tree() {
        return MerkleTree.of(leaves().stream().map(this::leaf).toList());
    }

    /// What a payee claims with.
    ///
    /// @throws IllegalArgumentException where the payee has no leaf
    public MerkleProof proof(Address payee) {
        List<PayoutEntry> leaves = leaves();
        for (int i = 0; i < leaves.size(); i++) {
            if (leaves.get(i).payee().equals(payee)) {
                return tree().proof(i);
            }
        }
        throw new IllegalArgumentException("payee " + payee + " has nothing in round " + number);
    }

    /// The tree as `StandardMerkleTree.load` of OpenZeppelin's JavaScript reads it.
    public String treeDump() {
        return tree().dump(
                        LEAF_ENCODING,
                        leaves().stream()
                                .map(entry -> List.of(
                                        poolId.toString(),
                                        entry.payee().toString(),
                                        entry.cumulativeUnits().toString()))
                                .toList());
    }

    private Bytes32 leaf(PayoutEntry entry) {
        byte[] account = new byte[Bytes32.SIZE_BYTES];
        entry.payee().writeTo(account, Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
        Bytes32 columns = Keccak256.hash(
                poolId.bytes(),
                account,
                Bytes32.ofUnsigned(entry.cumulativeUnits()).bytes());
        return Keccak256.hash(columns.bytes());
    }

    /// keccak256 of [#toJson()].
    public Bytes32 dataHash() {
        return Keccak256.hash(toJson());
    }

    /// RFC 8785 canonical JSON; amounts as decimal text.
    public byte[] toJson() {
        return PayoutJson.bytes(this);
    }

    /// Reads what [#toJson()] wrote, and nothing else.
    ///
    /// @throws IllegalArgumentException saying what is wrong
    public static PayoutRound fromJson(byte[] json) {
        return PayoutJson.round(json);
    }

    /// Whether this round may follow another: the same pool and token, no stream behind it and no payee below it.
    ///
    /// @throws IllegalArgumentException naming the first that fell
    void requireFollows(PayoutRound before) {
        if (!poolId.equals(before.poolId) || !token.equals(before.token)) {
            throw new IllegalArgumentException(
                    "round " + number + " is of another pool or token than " + before.number);
        }
        for (AnchoredStream stream : before.streams) {
            if (streams.stream()
                    .noneMatch(now -> now.stream().equals(stream.stream()) && now.batches() >= stream.batches())) {
                throw new IllegalArgumentException("round " + number + " counts fewer batches of stream "
                        + stream.stream() + " than round " + before.number);
            }
        }
        Map<Address, BigInteger> now = new HashMap<>();
        entries.forEach(entry -> now.put(entry.payee(), entry.cumulativeUnits()));
        for (PayoutEntry entry : before.entries) {
            if (now.getOrDefault(entry.payee(), MISSING).compareTo(entry.cumulativeUnits()) < 0) {
                throw new IllegalArgumentException(
                        "payee " + entry.payee() + " has less in round " + number + " than in " + before.number);
            }
        }
    }
}
