package org.openlora.meter.payout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.OperatorKey;

/// The compiled payout and deposit contracts on a real EVM, by their Java clients. Without anvil these are skipped.
class PayoutPoolTest {
    private final PayoutChain chain = PayoutChain.require();
    private final PayoutPool pool = chain.pool();

    private PayoutRound round(long number, long... units) {
        List<PayoutEntry> entries = new ArrayList<>();
        for (int i = 0; i < units.length; i++) {
            BigInteger given = BigInteger.valueOf(units[i]);
            entries.add(new PayoutEntry(new Address(0, 0, 0x1000 + i), given, chain.settlement.picoOf(given)));
        }
        return new PayoutRound(pool.id(), number, chain.settlement, Bytes32.ZERO, List.of(), entries, List.of());
    }

    @Test
    void addressesAndIds_computedInJava_areTheChains() {
        assertThat(PayoutPool.deployment(chain.ledger.address()).address()).isEqualTo(chain.claims);
        assertThat(PayoutPool.idOf(LocalChain.CHAIN_ID, chain.claims, pool.operatorId(), chain.token.address()))
                .isEqualTo(pool.id());
        assertThat(chain.settlement).isEqualTo(new SettlementToken(chain.token.address(), "devUSD", 6));
    }

    @Test
    void roundFromPostToClaim_paysWhatTheTreeSays() {
        chain.fund(pool, 1_000);
        PayoutRound round = round(1, 100, 250, 650);
        pool.post(chain.admin, round);
        assertThat(pool.round(1).orElseThrow().root()).isEqualTo(round.tree().root());
        assertThat(pool.state().claimable()).isZero();
        PayoutEntry second = round.entries().get(1);
        assertThatThrownBy(() -> pool.claim(chain.admin, round, second))
                .isInstanceOf(ChainException.Refused.class)
                .hasMessageContaining("claim reverts: RootChanged(0x0000");
        chain.advance(PayoutChain.DELAY_SECONDS);
        assertThat(pool.state().claimable()).isEqualTo(1);
        BigInteger before = chain.token.balanceOf(second.payee());
        pool.claim(chain.admin, round, second);
        assertThat(chain.token.balanceOf(second.payee()).subtract(before)).isEqualTo(250);
        assertThat(pool.claimed(second.payee())).isEqualTo(250);
        assertThatThrownBy(() -> pool.claim(chain.admin, round, second)).hasMessageContaining("NothingToClaim()");
        pool.claimMany(chain.admin, round, round.leaves());
        assertThat(pool.state().claimed()).isEqualTo(1_000);
    }

    @Test
    void post_beyondThePool_refusedWithTheContractsReason() {
        chain.fund(pool, 99);
        assertThatThrownBy(() -> pool.post(chain.admin, round(1, 100)))
                .hasMessageContaining("postRound reverts: Insolvent(99)");
    }

    @Test
    void unopenedPool_saysSo() {
        PayoutPool unopened = chain.unopenedPool();
        assertThat(unopened.state().isOpen()).isFalse();
        assertThatThrownBy(() -> unopened.fund(chain.admin, BigInteger.ZERO)).hasMessageContaining("NotOpen(");
    }

    @Test
    void deposits_vouchersSignedInJava_chargedIntoThePool() {
        PayerDeposits deposits =
                PayerDeposits.deploy(chain.chain.rpc(), LocalChain.CHAIN_ID, chain.admin, chain.claims);
        assertThat(PayerDeposits.deployment(chain.claims).address()).isEqualTo(deposits.address());
        OperatorKey payer = PayoutChain.key("payer");
        TransactionSender payerSender = chain.account("payer");
        PaymentChannel channel = new PaymentChannel(
                payer.address(), Address.ZERO, pool.operatorId(), chain.token.address(), 900, Keccak256.hash("salt"));
        assertThat(deposits.channelId(channel)).isEqualTo(channel.id(deposits.domain()));
        chain.token.mint(chain.admin, payer.address(), BigInteger.valueOf(1_000));
        deposits.deposit(payerSender, channel, BigInteger.valueOf(1_000));
        PaymentChannel.Voucher voucher = channel.voucher(deposits.domain(), BigInteger.valueOf(600), payer);
        assertThatThrownBy(
                        () -> deposits.charge(chain.admin, new PayerDeposits.Charge(voucher, BigInteger.valueOf(601))))
                .hasMessageContaining("ExceedsVoucher(600)");
        deposits.charge(chain.admin, new PayerDeposits.Charge(voucher, BigInteger.valueOf(400)));
        deposits.chargeMany(
                chain.admin,
                pool.operatorId(),
                chain.token.address(),
                List.of(new PayerDeposits.Charge(voucher, BigInteger.valueOf(600))));
        assertThat(pool.state().deposited()).isEqualTo(600);
        deposits.requestWithdrawal(payerSender, channel, BigInteger.valueOf(1_000));
        assertThatThrownBy(() -> deposits.withdraw(payerSender, channel)).hasMessageContaining("NotYet(");
        chain.advance(900);
        deposits.withdraw(payerSender, channel);
        assertThat(chain.token.balanceOf(payer.address())).isEqualTo(400);
        assertThat(deposits.state(channel))
                .isEqualTo(new PayerDeposits.State(
                        BigInteger.ZERO,
                        BigInteger.valueOf(600),
                        BigInteger.ZERO,
                        deposits.state(channel).withdrawableAtSeconds()));
        assertThatThrownBy(() -> channel.voucher(deposits.domain(), BigInteger.ONE, PayoutChain.key("other")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("signed by " + payer.address());
    }

    @Test
    void claimer_isSetByThePayee() {
        TransactionSender payee = chain.account("payee");
        pool.setClaimer(payee, chain.admin.sender());
        assertThat(pool.claimer(payee.sender())).isEqualTo(chain.admin.sender());
    }
}
