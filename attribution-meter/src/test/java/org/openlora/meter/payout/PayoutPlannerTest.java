package org.openlora.meter.payout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.payout.DatanetMembers.Member;
import org.openlora.meter.receipt.Role;

class PayoutPlannerTest {
    private static final Bytes32 POOL = Keccak256.hash("pool");
    private static final Bytes32 STREAM = Keccak256.hash("stream");
    private static final Bytes32 SEA = Keccak256.hash("datanet sea");
    private static final Bytes32 MARIT = Keccak256.hash("contributor marit");
    private static final Bytes32 OLE = Keccak256.hash("contributor ole");
    private static final SettlementToken USDC = new SettlementToken(payee(99), "USDC", 6);
    private static final DatanetMembers NOBODY = datanet -> List.of();
    private static final DatanetMembers SEA_PEOPLE = datanet ->
            datanet.equals(SEA) ? List.of(new Member(MARIT, payee(1), 3), new Member(OLE, payee(2), 1)) : List.of();

    private static Address payee(int number) {
        return new Address(0, 0, number);
    }

    private static EarnedTotal earned(int payee, Role role, Bytes32 source, long pico) {
        return new EarnedTotal(payee(payee), role, source, BigInteger.valueOf(pico));
    }

    private static EarnedTotal operator(int payee, long pico) {
        return earned(payee, Role.OPERATOR, Bytes32.ZERO, pico);
    }

    private static Earnings upTo(long batch, EarnedTotal... totals) {
        return new Earnings(
                List.of(new AnchoredStream(STREAM, batch, Keccak256.hash("head " + batch))), List.of(totals));
    }

    private static PayoutPlanner planner(DatanetMembers members) {
        return new PayoutPlanner(POOL, USDC, members);
    }

    private static BigInteger units(PayoutRound round, int payee) {
        return round.entry(payee(payee)).orElseThrow().cumulativeUnits();
    }

    private static BigInteger carried(PayoutRound round, int payee) {
        return round.entry(payee(payee)).orElseThrow().carriedPico(round.token());
    }

    @Test
    void plan_roundsDownToTheTokensUnits_andCarriesTheResidue() {
        PayoutRound first = planner(NOBODY).plan(1, Optional.empty(), upTo(1, operator(1, 2_999_999), operator(2, 7)));
        assertThat(units(first, 1)).isEqualTo(2);
        assertThat(carried(first, 1)).isEqualTo(999_999);
        assertThat(units(first, 2)).isZero();
        assertThat(carried(first, 2)).isEqualTo(7);
        assertThat(first.leaves()).extracting(PayoutEntry::payee).containsExactly(payee(1));
        PayoutRound second =
                planner(NOBODY).plan(2, Optional.of(first), upTo(2, operator(1, 3_000_000), operator(2, 1_000_006)));
        assertThat(units(second, 1)).isEqualTo(3);
        assertThat(carried(second, 1)).isZero();
        assertThat(units(second, 2)).isEqualTo(1);
        assertThat(carried(second, 2)).isEqualTo(6);
        assertThat(second.previous()).isEqualTo(first.dataHash());
    }

    @Test
    void plan_creditsAfterAPayout_neverFallsAndCarriesTheNegative() {
        PayoutRound first = planner(NOBODY).plan(1, Optional.empty(), upTo(1, operator(1, 5_000_000)));
        PayoutRound second = planner(NOBODY).plan(2, Optional.of(first), upTo(2, operator(1, 1_500_000)));
        assertThat(units(second, 1)).isEqualTo(5);
        assertThat(carried(second, 1)).isEqualTo(-3_500_000);
        PayoutRound third = planner(NOBODY).plan(3, Optional.of(second), upTo(3, operator(1, 6_200_000)));
        assertThat(units(third, 1)).isEqualTo(6);
        assertThat(carried(third, 1)).isEqualTo(200_000);
    }

    @Test
    void plan_payeeThatEarnsNothingMore_staysInEveryLaterRound() {
        PayoutRound first = planner(NOBODY).plan(1, Optional.empty(), upTo(1, operator(1, 5_000_000)));
        PayoutRound second = planner(NOBODY).plan(2, Optional.of(first), upTo(2, operator(2, 5_000_000)));
        // Its earnings vanished from the totals altogether: what it had stays claimable, what it lost is carried.
        assertThat(units(second, 1)).isEqualTo(5);
        assertThat(carried(second, 1)).isEqualTo(-5_000_000);
    }

    @Test
    void plan_poolByEvidenceOfThePeriod_thenByRows() {
        EarnedTotal pool = earned(90, Role.DATANET_POOL, SEA, 8_000_000);
        PayoutRound first = planner(SEA_PEOPLE)
                .plan(
                        1,
                        Optional.empty(),
                        upTo(
                                1,
                                pool,
                                earned(1, Role.CONTRIBUTOR, MARIT, 1_000_000),
                                earned(2, Role.CONTRIBUTOR, OLE, 3_000_000)));
        assertThat(units(first, 1)).isEqualTo(1 + 2);
        assertThat(units(first, 2)).isEqualTo(3 + 6);
        assertThat(first.entry(payee(90))).as("the escrow account is not paid").isEmpty();
        // In the second period only Marit earned by evidence; in the third nobody did.
        PayoutRound second = planner(SEA_PEOPLE)
                .plan(
                        2,
                        Optional.of(first),
                        upTo(
                                2,
                                earned(90, Role.DATANET_POOL, SEA, 10_000_000),
                                earned(1, Role.CONTRIBUTOR, MARIT, 1_500_000),
                                earned(2, Role.CONTRIBUTOR, OLE, 3_000_000)));
        assertThat(second.entry(payee(1)).orElseThrow().earnedPico()).isEqualTo(1_500_000 + 2_000_000 + 2_000_000);
        assertThat(second.entry(payee(2)).orElseThrow().earnedPico()).isEqualTo(3_000_000 + 6_000_000);
        PayoutRound third = planner(SEA_PEOPLE)
                .plan(
                        3,
                        Optional.of(second),
                        upTo(
                                3,
                                earned(90, Role.DATANET_POOL, SEA, 10_000_004),
                                earned(1, Role.CONTRIBUTOR, MARIT, 1_500_000),
                                earned(2, Role.CONTRIBUTOR, OLE, 3_000_000)));
        assertThat(third.pools().getFirst().shares())
                .extracting(DatanetPool.Share::contributor, DatanetPool.Share::givenPico)
                .containsExactlyInAnyOrder(
                        org.assertj.core.groups.Tuple.tuple(MARIT, BigInteger.valueOf(4_000_003)),
                        org.assertj.core.groups.Tuple.tuple(OLE, BigInteger.valueOf(6_000_001)));
    }

    @Test
    void plan_contributorNamesAnotherPayee_onlyWhatComesLaterGoesThere() {
        EarnedTotal[] totals = {earned(90, Role.DATANET_POOL, SEA, 4_000_000)};
        PayoutRound first = planner(SEA_PEOPLE).plan(1, Optional.empty(), upTo(1, totals));
        PayoutRound second = planner(datanet -> List.of(new Member(MARIT, payee(7), 3), new Member(OLE, payee(2), 1)))
                .plan(2, Optional.of(first), upTo(2, earned(90, Role.DATANET_POOL, SEA, 8_000_000)));
        assertThat(units(second, 1)).isEqualTo(3);
        assertThat(units(second, 7)).isEqualTo(3);
        assertThat(units(second, 2)).isEqualTo(2);
    }

    @Test
    void plan_poolOfUnknownDatanet_waitsUntilItIsKnown() {
        EarnedTotal pool = earned(90, Role.DATANET_POOL, SEA, 4_000_000);
        PayoutRound first = planner(NOBODY).plan(1, Optional.empty(), upTo(1, pool, operator(5, 1_000_000)));
        assertThat(first.pools().getFirst().waitingPico()).isEqualTo(4_000_000);
        assertThat(first.totalUnits()).isEqualTo(1);
        PayoutRound second = planner(SEA_PEOPLE).plan(2, Optional.of(first), upTo(2, pool, operator(5, 1_000_000)));
        assertThat(second.pools().getFirst().waitingPico()).isZero();
        assertThat(second.totalUnits()).isEqualTo(5);
    }

    @Test
    void plan_poolThatLostByCredits_takesItOffTheNextDivision() {
        PayoutRound first =
                planner(SEA_PEOPLE).plan(1, Optional.empty(), upTo(1, earned(90, Role.DATANET_POOL, SEA, 4_000_000)));
        PayoutRound second =
                planner(SEA_PEOPLE).plan(2, Optional.of(first), upTo(2, earned(90, Role.DATANET_POOL, SEA, 3_000_000)));
        assertThat(second.pools().getFirst().waitingPico()).isEqualTo(-1_000_000);
        assertThat(second.totalUnits()).isEqualTo(4);
        PayoutRound third = planner(SEA_PEOPLE)
                .plan(3, Optional.of(second), upTo(3, earned(90, Role.DATANET_POOL, SEA, 8_000_000)));
        assertThat(third.totalUnits()).isEqualTo(8);
        assertThat(third.pools().getFirst().waitingPico()).isZero();
    }

    @Test
    void plan_fewerBatchesThanBefore_refused() {
        PayoutRound first = planner(NOBODY).plan(1, Optional.empty(), upTo(5, operator(1, 5_000_000)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> planner(NOBODY).plan(2, Optional.of(first), upTo(4, operator(1, 5_000_000))))
                .withMessageContaining("fewer batches of stream " + STREAM);
    }

    /// Whatever is earned and credited, in tokens of any decimals: everything earned is either paid, carried or
    /// waiting, to the last pico-unit, nobody's cumulative amount falls, and nobody is paid more than it has
    /// earned and had.
    @Test
    void plan_randomHistories_conserveEveryPicoUnit() {
        Random random = new Random(47);
        for (int history = 0; history < 60; history++) {
            SettlementToken token = new SettlementToken(payee(99), "T", random.nextInt(0, 25));
            PayoutPlanner planner = new PayoutPlanner(POOL, token, SEA_PEOPLE);
            Map<Integer, BigInteger> direct = new HashMap<>();
            BigInteger[] other = {BigInteger.ZERO, BigInteger.ZERO, BigInteger.ZERO}; // pool, Marit, Ole
            Optional<PayoutRound> before = Optional.empty();
            for (int number = 1; number <= 8; number++) {
                for (int i = 0; i < 5; i++) {
                    direct.merge(3 + random.nextInt(4), amount(random), BigInteger::add);
                    int part = random.nextInt(3);
                    other[part] = other[part].add(amount(random));
                }
                List<EarnedTotal> totals = new ArrayList<>(List.of(
                        new EarnedTotal(payee(90), Role.DATANET_POOL, SEA, other[0]),
                        new EarnedTotal(payee(1), Role.CONTRIBUTOR, MARIT, other[1]),
                        new EarnedTotal(payee(2), Role.CONTRIBUTOR, OLE, other[2])));
                direct.forEach(
                        (payee, pico) -> totals.add(new EarnedTotal(payee(payee), Role.OPERATOR, Bytes32.ZERO, pico)));
                Earnings earnings = upTo(number, totals.toArray(EarnedTotal[]::new));
                PayoutRound round = planner.plan(number, before, earnings);
                BigInteger paid = token.picoOf(round.totalUnits());
                BigInteger carried = round.entries().stream()
                        .map(entry -> entry.carriedPico(token))
                        .reduce(BigInteger.ZERO, BigInteger::add);
                BigInteger waiting = round.pools().getFirst().waitingPico();
                assertThat(paid.add(carried).add(waiting)).isEqualTo(earnings.netPico());
                BigInteger most = token.decimals() >= 12 ? BigInteger.ONE : token.picoOf(BigInteger.ONE);
                for (PayoutEntry entry : round.entries()) {
                    assertThat(entry.carriedPico(token)).isLessThan(most);
                    before.flatMap(old -> old.entry(entry.payee())).ifPresent(old -> assertThat(entry.cumulativeUnits())
                            .isGreaterThanOrEqualTo(old.cumulativeUnits()));
                    boolean above = entry.carriedPico(token).signum() < 0;
                    BigInteger had = before.flatMap(old -> old.entry(entry.payee()))
                            .map(PayoutEntry::cumulativeUnits)
                            .orElse(BigInteger.ZERO);
                    assertThat(!above || entry.cumulativeUnits().equals(had))
                            .as("paid beyond earnings only what was paid before")
                            .isTrue();
                }
                assertThat(PayoutRound.fromJson(round.toJson())).isEqualTo(round);
                assertThat(planner.plan(number, before, earnings).toJson()).isEqualTo(round.toJson());
                before = Optional.of(round);
            }
        }
    }

    private static BigInteger amount(Random random) {
        BigInteger magnitude = new BigInteger(1 + random.nextInt(60), random);
        return random.nextInt(4) == 0 ? magnitude.negate() : magnitude;
    }

    @Test
    void fromJson_anythingButTheCanonicalBytes_refused() {
        PayoutRound round = planner(SEA_PEOPLE)
                .plan(1, Optional.empty(), upTo(1, operator(1, 5_000_000), earned(90, Role.DATANET_POOL, SEA, 9)));
        String json = new String(round.toJson(), StandardCharsets.UTF_8);
        assertThat(json).startsWith("{\"entries\":[{\"cumulativeUnits\":\"");
        for (String changed : List.of(
                json.replace(":", ": "),
                json.replace("\"number\":1", "\"number\":1,\"more\":1"),
                json.replace("\"5\"", "\"05\""),
                json.replace("\"5\"", "\"4\""),
                json.replace("\"number\":1", "\"number\":0"),
                json.replace("\"decimals\":6", "\"decimals\":40"),
                json + " ",
                json.substring(1))) {
            assertThatIllegalArgumentException()
                    .as(changed)
                    .isThrownBy(() -> PayoutRound.fromJson(changed.getBytes(StandardCharsets.UTF_8)));
        }
    }

    @Test
    void token_unitsAndPico_bothWays() {
        assertThat(USDC.unitsWithin(BigInteger.valueOf(-1))).isEqualTo(-1);
        assertThat(USDC.unitsWithin(BigInteger.valueOf(1_999_999))).isEqualTo(1);
        assertThat(USDC.text(BigInteger.valueOf(12_500_000))).isEqualTo("12.500000 USDC");
        SettlementToken dai = new SettlementToken(payee(99), "DAI", 18);
        assertThat(dai.unitsWithin(BigInteger.valueOf(3))).isEqualTo(3_000_000);
        assertThat(dai.picoOf(BigInteger.valueOf(3_000_000))).isEqualTo(3);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dai.picoOf(BigInteger.ONE))
                .withMessageContaining("no whole number of pico-units");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new SettlementToken(payee(99), "X", 37))
                .withMessageContaining("allowed are 0 to 36");
    }
}
