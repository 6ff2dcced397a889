package org.openlora.meter.payout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.payout.PayoutBook.Kept;
import org.openlora.meter.payout.PayoutBook.RoundState;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.Role;

/// Rounds reach the contract once, whenever the process that sends them ends.
@ParameterizedClass
@EnumSource(TestDatabase.class)
class PayoutPosterTest {
    private static final long NOW = 1_800_000_000_000L;

    private final TestDatabase kind;
    private final PayoutChain chain = PayoutChain.require();
    private final PayoutPool pool = chain.pool();
    private final Bytes32 poolId = pool.id();

    @TempDir
    Path folder;

    private Database database;
    private PayoutBook book;
    private PayoutPoster poster;

    PayoutPosterTest(TestDatabase kind) {
        this.kind = kind;
    }

    @BeforeEach
    void open() {
        database = Database.open(kind.location(folder));
        book = new PayoutBook(database);
        book.keep(new PayoutBook.Pool(poolId, LocalChain.CHAIN_ID, chain.claims, pool.operatorId(), chain.settlement));
        poster = new PayoutPoster(book, pool, chain.ledger);
        chain.fund(pool, 10_000);
    }

    @AfterEach
    void close() {
        database.close();
    }

    /// Plans and keeps the round in which payee `0x…01` has earned these units.
    private PayoutRound plan(long units, AnchoredStream... streams) {
        PayoutPlanner planner = new PayoutPlanner(poolId, chain.settlement, datanet -> List.of());
        EarnedTotal total = new EarnedTotal(
                new Address(0, 0, 1), Role.OPERATOR, Bytes32.ZERO, chain.settlement.picoOf(BigInteger.valueOf(units)));
        PayoutRound round =
                planner.plan(poster.nextNumber(), poster.base(), new Earnings(List.of(streams), List.of(total)));
        assertThat(book.plan(round, NOW).round()).isEqualTo(round);
        return round;
    }

    private RoundState state(long number) {
        return book.round(poolId, number).map(Kept::state).orElseThrow();
    }

    private void becomeClaimable() {
        chain.advance(PayoutChain.DELAY_SECONDS);
    }

    @Test
    void post_thenAgain_oneTransaction() {
        PayoutRound round = plan(100);
        assertThat(poster.post(1, chain.admin, NOW)).isPresent();
        assertThat(poster.post(1, chain.admin, NOW)).isEmpty();
        assertThat(state(1)).isEqualTo(RoundState.POSTED);
        assertThat(pool.round(1).orElseThrow().dataHash()).isEqualTo(round.dataHash());
        assertThat(book.round(poolId, 1).orElseThrow().transaction()).isPresent();
    }

    @Test
    void plan_beforeItIsSent_mayBePlannedAgain_afterwardsNot() {
        plan(100);
        PayoutRound better = plan(150);
        assertThat(book.rounds(poolId)).extracting(Kept::round).containsExactly(better);
        poster.post(1, chain.admin, NOW);
        EarnedTotal more = new EarnedTotal(new Address(0, 0, 1), Role.OPERATOR, Bytes32.ZERO, BigInteger.TEN.pow(9));
        PayoutRound late = new PayoutPlanner(poolId, chain.settlement, datanet -> List.of())
                .plan(1, Optional.empty(), new Earnings(List.of(), List.of(more)));
        assertThat(book.plan(late, NOW).round()).isEqualTo(better);
    }

    @Test
    void crash_afterMarkingAndBeforeSending_postsOnce() {
        plan(100);
        TransactionSender dead = sender(false);
        assertThatThrownBy(() -> poster.post(1, dead, NOW)).isInstanceOf(ChainException.Unreachable.class);
        assertThat(state(1)).isEqualTo(RoundState.SENT);
        assertThat(pool.round(1)).isEmpty();
        assertThatThrownBy(poster::base).isInstanceOf(PayoutException.class).hasMessageContaining("on its way");
        reopen();
        assertThat(poster.waiting()).hasValue(1);
        assertThat(poster.post(1, chain.admin, NOW)).isPresent();
        assertThat(pool.state().rounds()).isEqualTo(1);
    }

    @Test
    void crash_afterSendingAndBeforeRecording_isReadFromTheContract() {
        plan(100);
        TransactionSender dying = sender(true);
        assertThatThrownBy(() -> poster.post(1, dying, NOW)).isInstanceOf(ChainException.Unreachable.class);
        assertThat(state(1)).isEqualTo(RoundState.SENT);
        assertThat(pool.round(1)).isPresent();
        reopen();
        assertThat(poster.post(1, chain.admin, NOW)).isEmpty();
        assertThat(state(1)).isEqualTo(RoundState.POSTED);
        assertThat(pool.state().rounds()).isEqualTo(1);
    }

    @Test
    void reorganisation_thatTakesARoundBack_isPostedAgain() {
        plan(100);
        String snapshot = chain.chain.rpc().call("evm_snapshot").asText();
        poster.post(1, chain.admin, NOW);
        chain.chain.rpc().call("evm_revert", snapshot);
        poster.reconcile(NOW);
        assertThat(state(1)).isEqualTo(RoundState.SENT);
        assertThat(poster.post(1, chain.admin, NOW)).isPresent();
        assertThat(state(1)).isEqualTo(RoundState.POSTED);
    }

    @Test
    void disabledRound_nextOneGoesOnFromTheOneBefore() {
        PayoutRound first = plan(100);
        poster.post(1, chain.admin, NOW);
        becomeClaimable();
        plan(5_000);
        poster.post(2, chain.admin, NOW);
        pool.disable(chain.account("guardian"), 2);
        poster.reconcile(NOW);
        assertThat(state(2)).isEqualTo(RoundState.DISABLED);
        PayoutRound third = plan(120);
        assertThat(third.number()).isEqualTo(3);
        assertThat(third.previous()).isEqualTo(first.dataHash());
        poster.post(3, chain.admin, NOW);
        becomeClaimable();
        assertThat(pool.state().claimable()).isEqualTo(3);
        assertThat(pool.state().allocated()).isEqualTo(120);
    }

    @Test
    void roundInTheContract_thatTheBookDoesNotKnow_stops() {
        plan(100);
        PayoutRound foreign = new PayoutRound(
                poolId,
                1,
                chain.settlement,
                Bytes32.ZERO,
                List.of(),
                List.of(new PayoutEntry(new Address(0, 0, 66), BigInteger.TEN, BigInteger.TEN.pow(7))),
                List.of());
        pool.post(chain.admin, foreign);
        assertThatThrownBy(() -> poster.post(1, chain.admin, NOW))
                .isInstanceOf(PayoutException.class)
                .hasMessageContaining(foreign.tree().root().toString());
    }

    @Test
    void post_forBatchesThatAreNotAnchored_refused() {
        Bytes32 stream = Keccak256.hash("payout stream");
        plan(100, new AnchoredStream(stream, 1, Keccak256.hash("head")));
        assertThatThrownBy(() -> poster.post(1, chain.admin, NOW))
                .isInstanceOf(PayoutException.class)
                .hasMessageContaining("no such batch");
        chain.commit(pool.operatorId(), 1, ReceiptFixtures.run("payout stream", 3));
        assertThatThrownBy(() -> poster.post(1, chain.admin, NOW)).hasMessageContaining("anchor first");
        plan(100, chain.anchored(pool.operatorId(), stream));
        assertThat(poster.post(1, chain.admin, NOW)).isPresent();
    }

    @Test
    void pool_whoseTokenChangedItsDecimals_refused() {
        SettlementToken other = new SettlementToken(chain.token.address(), "devUSD", 18);
        assertThatThrownBy(() -> book.keep(
                        new PayoutBook.Pool(poolId, LocalChain.CHAIN_ID, chain.claims, pool.operatorId(), other)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("has 18 decimals; rounds were planned with 6");
    }

    private void reopen() {
        database.close();
        open();
    }

    /// A sender whose process ends at its transaction: before the node has it, or before the answer is back.
    private TransactionSender sender(boolean arrives) {
        URI endpoint = chain.chain.endpoint();
        HttpClient client = HttpClient.newHttpClient();
        JsonRpc rpc = new JsonRpc("dying", body -> {
            if (body.contains("eth_sendRawTransaction") && !arrives) {
                throw new IOException("killed before sending");
            }
            HttpRequest request = HttpRequest.newBuilder(endpoint)
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(body))
                    .build();
            String answer =
                    client.send(request, HttpResponse.BodyHandlers.ofString()).body();
            if (body.contains("eth_sendRawTransaction")) {
                throw new IOException("killed after sending");
            }
            return answer;
        });
        return new TransactionSender(rpc, PayoutChain.key("admin"), Duration.ofSeconds(20));
    }
}
