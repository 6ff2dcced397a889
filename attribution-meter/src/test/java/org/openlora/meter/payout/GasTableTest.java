package org.openlora.meter.payout;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.chain.TransactionSender.Mined;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptKind;

/// What the contracts cost, printed as the table of docs/contracts.md and held within bounds.
class GasTableTest {
    private static final Set<String> ITEMS = Set.of("SLOAD", "SSTORE", "LOG4", "KECCAK256");

    private final PayoutChain chain = PayoutChain.require();
    private final PayoutPool pool = chain.pool();
    private final Map<String, Long> table = new LinkedHashMap<>();

    private long row(String what, Mined mined) {
        table.put(what, mined.gasUsed());
        return mined.gasUsed();
    }

    private void print() {
        System.out.println("gas:");
        table.forEach((what, gas) -> System.out.printf("  %-58s %,9d%n", what, gas));
    }

    /// A batch costs one root, one head and the stream's totals, whatever its size. What differs are the zero
    /// bytes within its header, at 12 gas each, and the stream's credit total, which a batch without credits
    /// leaves alone.
    @Test
    void batch_independentOfItsSize_within110000() {
        Bytes32 operatorId = pool.operatorId();
        List<Receipt> run = ReceiptFixtures.run("gas", 10_202);
        List<Receipt> one = run.subList(1, 2);
        assertThat(one.getFirst().kind()).isNotEqualTo(ReceiptKind.CREDIT);
        row("batch, the stream's first, of 1", chain.commit(operatorId, 1, run.subList(0, 1)));
        long single = row("batch of 1, without credits", chain.commit(operatorId, 2, one));
        long hundred = row("batch of 100, with credits", chain.commit(operatorId, 3, run.subList(2, 102)));
        Map<String, Long> items = items(PayoutChain.commitCall(operatorId, 4, run.subList(102, 10_102)));
        Mined many = chain.commit(operatorId, 4, run.subList(102, 10_102));
        row("batch of 10,000, with credits", many);
        row("batch of 10,000, the same again", chain.commit(operatorId, 4, run.subList(102, 10_102)));
        print();
        System.out.println("of which, for the batch of 10,000:");
        items.forEach((what, gas) -> System.out.printf("  %-58s %,9d%n", what, gas));
        assertThat(List.of(single, hundred, many.gasUsed()))
                .allSatisfy(gas -> assertThat(gas).isLessThan(110_000));
        assertThat(Math.abs(many.gasUsed() - hundred)).isLessThan(500);
        assertThat(hundred - single).isBetween(2_300L, 3_300L);
        assertThat(items.values().stream().mapToLong(gas -> gas).sum())
                .as("the items are all of it")
                .isEqualTo(many.gasUsed());
        assertThat(items.get("SSTORE")).as("two new words, two changed").isEqualTo(2 * 22_100 + 2 * 2_900 + 100);
    }

    /// What a transaction to the ledger would spend its gas on: by itself, for its data, and by instruction.
    private Map<String, Long> items(byte[] data) {
        JsonNode trace = chain.chain
                .rpc()
                .call(
                        "debug_traceCall",
                        Map.of(
                                "from", chain.admin.sender().toString(),
                                "to", chain.ledger.address().toString(),
                                "data", Hex.encode(data)),
                        "latest",
                        Map.of("disableMemory", true, "disableStack", true, "disableStorage", true));
        Map<String, Long> items = new LinkedHashMap<>();
        items.put("any transaction", 21_000L);
        long callData = 0;
        for (byte value : data) {
            callData += value == 0 ? 4 : 16;
        }
        items.put("call data, " + data.length + " bytes", callData);
        for (JsonNode step : trace.get("structLogs")) {
            String name = step.get("op").asText();
            items.merge(
                    ITEMS.contains(name) ? name : "all other instructions",
                    step.get("gasCost").asLong(),
                    Long::sum);
        }
        return items;
    }

    @Test
    void payoutsAndDeposits_withinBounds() {
        bound(
                "pool, opened",
                chain.unopenedPool()
                        .open(chain.admin, PayoutChain.key("guardian").address(), 60),
                75_000);
        chain.fund(chain.pool(), 1); // the contract's first tokens
        bound("fund, the pool's first", chain.fund(pool, 10_000_000), 75_000);
        bound("fund", chain.fund(pool, 10_000_000), 60_000);
        PayoutRound first = round(1, 1_000, 5);
        bound("round, the pool's first", pool.post(chain.admin, first), 150_000);
        chain.advance(PayoutChain.DELAY_SECONDS);
        bound(
                "claim of 1,000 payees, the pool's first",
                pool.claim(chain.admin, first, first.leaves().get(0)),
                130_000);
        bound(
                "claim of 1,000 payees, an account's first",
                pool.claim(chain.admin, first, first.leaves().get(1)),
                110_000);
        PayoutRound second = round(2, 1_000, 7);
        bound("round", pool.post(chain.admin, second), 140_000);
        chain.advance(PayoutChain.DELAY_SECONDS);
        bound(
                "claim of 1,000 payees, a top-up",
                pool.claim(chain.admin, second, second.leaves().get(1)),
                85_000);
        Mined many = pool.claimMany(chain.admin, second, second.leaves().subList(2, 102));
        bound(
                "claimMany, each of 100 first claims",
                new Mined(many.transactionHash(), many.gasUsed() / 100, many.blockNumber()),
                80_000);
        deposits();
        print();
    }

    private void deposits() {
        PayerDeposits deposits =
                PayerDeposits.deploy(chain.chain.rpc(), LocalChain.CHAIN_ID, chain.admin, chain.claims);
        TransactionSender payer = chain.account("gas payer");
        PaymentChannel channel = new PaymentChannel(
                payer.sender(), Address.ZERO, pool.operatorId(), chain.token.address(), 900, Bytes32.ZERO);
        chain.token.mint(chain.admin, payer.sender(), BigInteger.valueOf(10_000));
        bound("deposit, the channel's first", deposits.deposit(payer, channel, BigInteger.valueOf(4_000)), 95_000);
        bound("deposit", deposits.deposit(payer, channel, BigInteger.valueOf(4_000)), 75_000);
        PaymentChannel.Voucher voucher =
                channel.voucher(deposits.domain(), BigInteger.valueOf(10_000), PayoutChain.key("gas payer"));
        bound(
                "charge, the channel's first",
                deposits.charge(chain.admin, new PayerDeposits.Charge(voucher, BigInteger.valueOf(1_000))),
                160_000);
        bound(
                "charge",
                deposits.charge(chain.admin, new PayerDeposits.Charge(voucher, BigInteger.valueOf(2_000))),
                140_000);
        bound("withdrawal, asked", deposits.requestWithdrawal(payer, channel, BigInteger.valueOf(6_000)), 70_000);
        chain.advance(900);
        bound("withdrawal, fetched", deposits.withdraw(payer, channel), 75_000);
    }

    private void bound(String what, Mined mined, long most) {
        assertThat(row(what, mined)).as(what).isLessThan(most);
    }

    private PayoutRound round(long number, int payees, long units) {
        List<PayoutEntry> entries = new ArrayList<>();
        for (int i = 0; i < payees; i++) {
            entries.add(new PayoutEntry(
                    Address.of(Keccak256.hash("gas payee " + i).bytes(), 12),
                    BigInteger.valueOf(units + i),
                    chain.settlement.picoOf(BigInteger.valueOf(units + i))));
        }
        entries.sort(Comparator.comparing(PayoutEntry::payee));
        return new PayoutRound(pool.id(), number, chain.settlement, Bytes32.ZERO, List.of(), entries, List.of());
    }
}
