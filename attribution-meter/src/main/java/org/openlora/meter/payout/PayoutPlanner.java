package org.openlora.meter.payout;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.LargestRemainder;
import org.openlora.meter.receipt.Role;

/// Makes a round out of what was earned and the round before: a pure function, so anybody who has the batch files and
/// the datanets gets the same bytes.
///
/// A payee's cumulative amount is what it has earned, rounded down to the token's units, and never less than in the
/// round before. What a datanet's pool has earned since it was last divided goes to the datanet's contributors by what
/// they earned through evidence meanwhile (largest remainder; what fell counts as nothing), and by their rows where
/// nobody earned anything so. A pool that lost by credits, and one whose contributors are not known, waits.
public final class PayoutPlanner {
    private final Bytes32 poolId;
    private final SettlementToken token;
    private final DatanetMembers members;

    public PayoutPlanner(Bytes32 poolId, SettlementToken token, DatanetMembers members) {
        this.poolId = poolId;
        this.token = token;
        this.members = members;
    }

    /// The next round, whether it pays anybody more or not.
    ///
    /// @param number of the round
    /// @param before the round that it goes on from, unless it is the first
    /// @throws IllegalArgumentException where the earnings count fewer batches than the round before
    public PayoutRound plan(long number, Optional<PayoutRound> before, Earnings earnings) {
        List<DatanetPool> pools = pools(before, earnings);
        Map<Address, BigInteger> earned = new TreeMap<>();
        before.ifPresent(round -> round.entries().forEach(entry -> earned.put(entry.payee(), BigInteger.ZERO)));
        for (EarnedTotal total : earnings.totals()) {
            if (total.role() != Role.DATANET_POOL) {
                earned.merge(total.payee(), total.netPico(), BigInteger::add);
            }
        }
        for (DatanetPool pool : pools) {
            for (DatanetPool.Share share : pool.shares()) {
                earned.merge(share.payee(), share.givenPico(), BigInteger::add);
            }
        }
        Map<Address, BigInteger> had = new HashMap<>();
        before.ifPresent(round -> round.entries().forEach(entry -> had.put(entry.payee(), entry.cumulativeUnits())));
        List<PayoutEntry> entries = new ArrayList<>();
        earned.forEach((payee, pico) -> {
            BigInteger units = token.unitsWithin(pico).max(had.getOrDefault(payee, BigInteger.ZERO));
            entries.add(new PayoutEntry(payee, units, pico));
        });
        PayoutRound round = new PayoutRound(
                poolId,
                number,
                token,
                before.map(PayoutRound::dataHash).orElse(Bytes32.ZERO),
                earnings.streams(),
                entries,
                pools);
        before.ifPresent(round::requireFollows);
        if (!round.netPico().equals(earnings.netPico())) {
            throw new IllegalStateException("round " + number + " divides " + round.netPico() + " pico-units of "
                    + earnings.netPico() + " that were earned");
        }
        return round;
    }

    private List<DatanetPool> pools(Optional<PayoutRound> before, Earnings earnings) {
        Map<Bytes32, DatanetPool> known = new TreeMap<>();
        before.ifPresent(round -> round.pools().forEach(pool -> known.put(pool.datanet(), pool)));
        Map<Bytes32, BigInteger> earned = new HashMap<>();
        Map<Bytes32, BigInteger> evidence = new HashMap<>();
        for (EarnedTotal total : earnings.totals()) {
            switch (total.role()) {
                case DATANET_POOL -> earned.merge(total.source(), total.netPico(), BigInteger::add);
                case CONTRIBUTOR -> evidence.merge(total.source(), total.netPico(), BigInteger::add);
                case BASE_OWNER, ADAPTER_OWNER, OPERATOR, PLATFORM, TREASURY -> {}
            }
        }
        Set<Bytes32> datanets = new HashSet<>(earned.keySet());
        datanets.addAll(known.keySet());
        return datanets.stream()
                .sorted()
                .map(datanet -> divide(
                        known.getOrDefault(datanet, new DatanetPool(datanet, BigInteger.ZERO, List.of(), List.of())),
                        earned.getOrDefault(datanet, BigInteger.ZERO),
                        evidence))
                .toList();
    }

    /// The pool with what it has earned since, divided where there is something to divide and somebody to give it to.
    private DatanetPool divide(DatanetPool pool, BigInteger earned, Map<Bytes32, BigInteger> evidence) {
        DatanetPool grown = new DatanetPool(pool.datanet(), earned, pool.evidence(), pool.shares());
        List<DatanetMembers.Member> contributors = members.of(pool.datanet()).stream()
                .sorted(Comparator.comparing(DatanetMembers.Member::contributor))
                .toList();
        if (grown.waitingPico().signum() <= 0 || contributors.isEmpty()) {
            return grown;
        }
        List<BigInteger> parts = LargestRemainder.split(grown.waitingPico(), weights(pool, contributors, evidence));
        Map<Receiver, BigInteger> given = new TreeMap<>(Receiver.ORDER);
        for (DatanetPool.Share share : pool.shares()) {
            given.put(new Receiver(share.contributor(), share.payee()), share.givenPico());
        }
        for (int i = 0; i < parts.size(); i++) {
            DatanetMembers.Member member = contributors.get(i);
            given.merge(new Receiver(member.contributor(), member.payee()), parts.get(i), BigInteger::add);
        }
        return new DatanetPool(
                pool.datanet(),
                earned,
                contributors.stream()
                        .map(member -> new DatanetPool.Evidence(
                                member.contributor(), evidence.getOrDefault(member.contributor(), BigInteger.ZERO)))
                        .toList(),
                given.entrySet().stream()
                        .filter(share -> share.getValue().signum() != 0)
                        .map(share -> new DatanetPool.Share(
                                share.getKey().contributor(), share.getKey().payee(), share.getValue()))
                        .toList());
    }

    /// By evidence since the last division; by rows, or equally where nobody has rows, without any.
    private static List<BigInteger> weights(
            DatanetPool pool, List<DatanetMembers.Member> contributors, Map<Bytes32, BigInteger> evidence) {
        Map<Bytes32, BigInteger> then = new HashMap<>();
        pool.evidence().forEach(old -> then.put(old.contributor(), old.earnedPico()));
        List<BigInteger> byEvidence = contributors.stream()
                .map(member -> evidence.getOrDefault(member.contributor(), BigInteger.ZERO)
                        .subtract(then.getOrDefault(member.contributor(), BigInteger.ZERO))
                        .max(BigInteger.ZERO))
                .toList();
        if (byEvidence.stream().anyMatch(weight -> weight.signum() > 0)) {
            return byEvidence;
        }
        List<BigInteger> byRows = contributors.stream()
                .map(member -> BigInteger.valueOf(member.rows()))
                .toList();
        return byRows.stream().anyMatch(weight -> weight.signum() > 0)
                ? byRows
                : contributors.stream().map(member -> BigInteger.ONE).toList();
    }

    private record Receiver(Bytes32 contributor, Address payee) {
        static final Comparator<Receiver> ORDER =
                Comparator.comparing(Receiver::contributor).thenComparing(Receiver::payee);
    }
}
