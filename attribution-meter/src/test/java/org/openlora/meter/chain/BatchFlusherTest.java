package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.meter.chain.BatchFlusher.Action;
import org.openlora.meter.chain.TestChain.Operator;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptFixtures;

/// The flusher against anvil: whatever happens, each batch is committed exactly once. Skipped without anvil.
class BatchFlusherTest {
    private static final int BATCHES = 4;
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final FlushPolicy POLICY = new FlushPolicy(
            Duration.ofSeconds(10), Duration.ofSeconds(45), BigInteger.TEN.pow(12), Duration.ofMillis(2));

    private final TestChain chain = TestChain.require();
    private final Operator operator = chain.operator();
    private final Bytes32 stream = Keccak256.hash("flusher");
    private final SealedBatches batches = sealed("flusher");
    private final ManualClock clock = new ManualClock();
    private final FlusherMonitor monitor = new FlusherMonitor();
    private long visible = BATCHES; // batches that are sealed so far

    @TempDir
    Path folder;

    /// Where a process dies.
    enum CrashPoint {
        BEFORE_JOURNAL,
        AFTER_JOURNAL,
        AFTER_SEND,
        BEFORE_LANDED
    }

    /// Stands for the end of the process: nothing of the flusher's memory survives it, only the journal.
    private static final class Crash extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Test
    void flush_undisturbed_oneTransactionPerBatch() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            flusher(journal, batches).flushUntil(BATCHES, LIMIT);
            assertThat(journal.landedNumber()).isEqualTo(BATCHES);
            assertThat(journal.attempts(1)).hasSize(1);
        }
        requireExactlyOnce();
        assertThat(transactions()).isEqualTo(BATCHES);
    }

    @ParameterizedTest
    @EnumSource(CrashPoint.class)
    void flush_processDiesOncePerBatch_exactlyOnce(CrashPoint point) throws IOException {
        for (int number = 1; number <= BATCHES; number++) {
            try (FileAttemptJournal journal = journal()) {
                visible = number;
                BatchFlusher dying = dying(journal, point);
                long batch = number;
                assertThatThrownBy(() -> dying.flushUntil(batch, LIMIT)).isInstanceOf(Crash.class);
            }
            try (FileAttemptJournal journal = journal()) {
                flusher(journal, batches).flushUntil(number, LIMIT);
            }
        }
        requireExactlyOnce();
        assertThat(transactions()).isEqualTo(BATCHES); // and nothing was paid twice
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void flush_nodeLosesDelaysAndGarblesAnswers_exactlyOnce(long seed) throws IOException {
        FaultyTransport faulty = new FaultyTransport(transport(), new Random(seed));
        LedgerContract ledger = new LedgerContract(new JsonRpc("faulty", faulty), chain.ledger.address());
        try (FileAttemptJournal journal = journal()) {
            FlushPolicy impatient =
                    new FlushPolicy(Duration.ofMillis(20), POLICY.bumpAfter(), POLICY.maxFeeCapWei(), POLICY.poll());
            new BatchFlusher(
                            ledger,
                            operator.submitter(),
                            source(batches, journal),
                            impatient,
                            Clock.systemUTC(),
                            monitor)
                    .flushUntil(BATCHES, LIMIT);
        }
        assertThat(faulty.faults).isGreaterThan(5);
        requireExactlyOnce();
    }

    @Test
    void flush_chainRolledBack_sentAgain() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            visible = 1;
            flusher.flushUntil(1, LIMIT);
            String snapshot = chain.chain.rpc().call("evm_snapshot").asText();
            visible = 3;
            flusher.flushUntil(3, LIMIT);
            chain.chain.rpc().call("evm_revert", snapshot);
            assertThat(flusher.step().landed()).isEqualTo(1);
            assertThat(journal.landedNumber()).isEqualTo(1);
            visible = BATCHES;
            flusher.flushUntil(BATCHES, LIMIT);
        }
        requireExactlyOnce();
    }

    @Test
    void flush_nonceUsedElsewhere_signedAnew() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            withoutMining(() -> {
                assertThat(flusher.step().action()).isEqualTo(Action.SENT);
                chain.chain.rpc().call("anvil_dropAllTransactions");
            });
            new TransactionSender(chain.chain.rpc(), operator.submitter(), LIMIT)
                    .send(operator.submitter().address(), new byte[0]);
            assertThat(flusher.step().action()).isEqualTo(Action.SENT);
            assertThat(journal.attempts(1)).hasSize(2);
            flusher.flushUntil(BATCHES, LIMIT);
        }
        requireExactlyOnce();
        assertThat(transactions()).isEqualTo(BATCHES + 1);
    }

    @Test
    void flush_droppedFromTheMempool_sameBytesSentAgain() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            withoutMining(() -> {
                assertThat(flusher.step().action()).isEqualTo(Action.SENT);
                chain.chain.rpc().call("anvil_dropAllTransactions");
                assertThat(flusher.step().action()).isEqualTo(Action.WAITING);
                clock.advance(POLICY.rebroadcastAfter());
                assertThat(flusher.step().action()).isEqualTo(Action.RESENT);
            });
            chain.chain.rpc().call("evm_mine");
            flusher.flushUntil(BATCHES, LIMIT);
            assertThat(journal.attempts(1)).hasSize(1);
        }
        requireExactlyOnce();
    }

    @Test
    void flush_feesRiseWhileWaiting_replacedThenCapped() throws IOException {
        FlushPolicy capped = new FlushPolicy(
                POLICY.rebroadcastAfter(), POLICY.bumpAfter(), BigInteger.valueOf(9_000_000_000L), POLICY.poll());
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = new BatchFlusher(
                    chain.ledger, operator.submitter(), source(batches, journal), capped, clock, monitor);
            withoutMining(() -> {
                assertThat(flusher.step().action()).isEqualTo(Action.SENT);
                List<Action> actions = new ArrayList<>();
                for (int i = 0; i < 60 && !actions.contains(Action.CAPPED); i++) {
                    clock.advance(POLICY.bumpAfter());
                    actions.add(flusher.step().action());
                }
                assertThat(actions).startsWith(Action.BUMPED).endsWith(Action.CAPPED);
                assertThat(actions.subList(0, actions.size() - 1)).containsOnly(Action.BUMPED);
            });
            List<AttemptJournal.Attempt> attempts = journal.attempts(1);
            for (int i = 1; i < attempts.size(); i++) {
                assertThat(attempts.get(i).nonce()).isEqualTo(attempts.get(0).nonce());
                BigInteger eighth = attempts.get(i - 1).maxFeeWei().shiftRight(3);
                assertThat(attempts.get(i).maxFeeWei())
                        .isGreaterThan(attempts.get(i - 1).maxFeeWei().add(eighth))
                        .isLessThanOrEqualTo(capped.maxFeeCapWei());
            }
            chain.chain.rpc().call("evm_mine");
            flusher.flushUntil(BATCHES, LIMIT);
        }
        requireExactlyOnce();
        assertThat(transactions()).isEqualTo(BATCHES);
    }

    @Test
    void flush_differentBatchUnderOurNumber_halts() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            flusher(journal, batches).flushUntil(1, LIMIT);
        }
        SealedBatches others = sealed("flusher", 2);
        try (FileAttemptJournal journal = FileAttemptJournal.open(folder.resolve("other"))) {
            assertThatThrownBy(() -> flusher(journal, others).flushUntil(2, LIMIT))
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("a different batch 1");
        }
        try (FileAttemptJournal journal = FileAttemptJournal.open(folder.resolve("none"))) {
            assertThatThrownBy(
                            () -> flusher(journal, SealedBatches.of(List.of())).step())
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("which the ledger has not sealed");
        }
    }

    @Test
    void flush_batchThatDoesNotContinueTheSequence_halts() throws IOException {
        Receipt later = ReceiptFixtures.run("flusher", 3).get(2);
        BatchHeader header = TestChain.seal(1, operator.id(), List.of(later)).header();
        try (FileAttemptJournal journal = journal()) {
            assertThatThrownBy(() ->
                            flusher(journal, SealedBatches.of(List.of(header))).step())
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("SequenceGap(1)");
            assertThat(journal.attempts(1)).isEmpty();
        }
    }

    @Test
    void flush_journalOfAnotherChain_halts() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            journal.bind(new AttemptJournal.ChainIdentity(1, Bytes32.ZERO));
            assertThatThrownBy(() -> flusher(journal, batches).step())
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("the journal belongs to chain 1");
        }
        assertThat(transactions()).isZero();
    }

    @Test
    void flush_accountThatIsNoSubmitter_saysSoAndSendsNothing() throws IOException {
        Operator other = chain.operator();
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher =
                    new BatchFlusher(chain.ledger, other.submitter(), source(batches, journal), POLICY, clock, monitor);
            assertThatThrownBy(flusher::step)
                    .isInstanceOf(ChainException.Refused.class)
                    .hasMessageContaining("NotSubmitter(");
            assertThat(journal.attempts(1)).isEmpty();
        }
    }

    @Test
    void flush_finalizedBlockPasses_recordedAsFinal() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            flusher.flushUntil(BATCHES, LIMIT);
            chain.chain.rpc().call("anvil_mine", "0x10");
            assertThat(flusher.step()).isEqualTo(new BatchFlusher.Progress(Action.IDLE, BATCHES, BATCHES));
            assertThat(journal.finalNumber()).isEqualTo(BATCHES);
        }
    }

    @Test
    void flush_nodeGone_failsWithinTheLimitInOneLine() throws IOException {
        JsonRpc dead = new JsonRpc("dead", _ -> {
            throw new IOException("connection reset");
        });
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = new BatchFlusher(
                    new LedgerContract(dead, chain.ledger.address()),
                    operator.submitter(),
                    source(batches, journal),
                    POLICY,
                    clock,
                    monitor);
            assertThatThrownBy(() -> flusher.flushUntil(1, Duration.ofMillis(50)))
                    .isInstanceOf(ChainException.Failed.class)
                    .hasMessageContaining("unreachable chain dead: connection reset");
        }
    }

    @Test
    void flush_chainRolledBackBelowFinality_alarmUntilItIsFinalAgain() throws IOException {
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            String snapshot = chain.chain.rpc().call("evm_snapshot").asText();
            flusher.flushUntil(2, LIMIT);
            chain.chain.rpc().call("anvil_mine", "0x10");
            flusher.flushUntil(BATCHES, LIMIT);
            assertThat(journal.finalNumber()).isGreaterThanOrEqualTo(2);
            assertThat(monitor.snapshot().alarms()).isEmpty();
            chain.chain.rpc().call("evm_revert", snapshot);
            flusher.step();
            assertThat(monitor.snapshot().alarms()).containsOnlyKeys(FlusherAlarm.FINALITY_REGRESSED);
            flusher.flushUntil(BATCHES, LIMIT);
            assertThat(monitor.snapshot().raised(FlusherAlarm.FINALITY_REGRESSED))
                    .isEqualTo(1);
            chain.chain.rpc().call("anvil_mine", "0x10");
            flusher.step();
            assertThat(monitor.snapshot().alarms()).isEmpty();
        }
        requireExactlyOnce();
    }

    @Test
    void flush_baseFeeAboveTheCap_holdsWithAnAlarmAndGoesOnWhenItFalls() throws IOException {
        FlushPolicy capped = new FlushPolicy(
                POLICY.rebroadcastAfter(), POLICY.bumpAfter(), BigInteger.valueOf(3_000_000_000L), POLICY.poll());
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = new BatchFlusher(
                    chain.ledger, operator.submitter(), source(batches, journal), capped, clock, monitor);
            setBaseFee(300_000_000_000L);
            assertThat(flusher.step().action()).isEqualTo(Action.CAPPED);
            assertThat(journal.attempts(1)).isEmpty();
            assertThat(monitor.snapshot().alarms().get(FlusherAlarm.FEE_CAP))
                    .contains("300000000000 wei per gas, above the cap of 3000000000");
            assertThatThrownBy(() -> flusher.flushUntil(1, Duration.ofMillis(50)))
                    .isInstanceOf(ChainException.Failed.class)
                    .hasMessageContaining("asks more per gas than the cap allows");
            setBaseFee(1_000_000_000L);
            flusher.flushUntil(BATCHES, LIMIT);
            assertThat(monitor.snapshot().alarms()).isEmpty();
            assertThat(journal.attempts(1).getFirst().maxFeeWei()).isLessThanOrEqualTo(capped.maxFeeCapWei());
        }
        requireExactlyOnce();
    }

    @Test
    void flush_accountEmpty_holdsWithAnAlarmAndGoesOnWhenFunded() throws IOException {
        String account = operator.submitter().address().toString();
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = flusher(journal, batches);
            visible = 1;
            flusher.flushUntil(1, LIMIT);
            visible = BATCHES;
            chain.chain.rpc().call("anvil_setBalance", account, "0x3e8");
            assertThat(flusher.step().action()).isEqualTo(Action.UNFUNDED);
            assertThat(journal.attempts(2)).isEmpty();
            assertThat(monitor.snapshot().alarms().get(FlusherAlarm.NO_FUNDS))
                    .contains("account " + account + " holds 1000");
            chain.chain.fund(operator.submitter().address());
            flusher.flushUntil(BATCHES, LIMIT);
            assertThat(monitor.snapshot().alarms()).isEmpty();
        }
        requireExactlyOnce();
    }

    @Test
    void flush_firstEndpointDies_goesOnThroughTheSecond() throws IOException {
        AtomicInteger left = new AtomicInteger(12);
        RpcEndpoint dying = new RpcEndpoint("dying", body -> {
            if (left.getAndDecrement() <= 0) {
                throw new IOException("connection reset");
            }
            return transport().post(body);
        });
        JsonRpc both = new JsonRpc(List.of(dying, new RpcEndpoint("healthy", transport())));
        try (FileAttemptJournal journal = journal()) {
            new BatchFlusher(
                            new LedgerContract(both, chain.ledger.address()),
                            operator.submitter(),
                            source(batches, journal),
                            POLICY,
                            clock,
                            monitor)
                    .flushUntil(BATCHES, LIMIT);
        }
        assertThat(both.endpoint()).isEqualTo("healthy");
        requireExactlyOnce();
    }

    @Test
    void flush_secondEndpointLeadsToAnotherChain_halts() throws IOException {
        RpcEndpoint dead = new RpcEndpoint("dead", _ -> {
            throw new IOException("connection reset");
        });
        RpcEndpoint elsewhere = new RpcEndpoint(
                "elsewhere",
                body -> body.contains("eth_chainId")
                        ? "{\"id\":" + body.replaceAll(".*\"id\":(\\d+).*", "$1") + ",\"result\":\"0x1\"}"
                        : transport().post(body));
        try (FileAttemptJournal journal = journal()) {
            visible = 1;
            flusher(journal, batches).flushUntil(1, LIMIT);
            visible = BATCHES;
            LedgerContract wrong = new LedgerContract(new JsonRpc(List.of(dead, elsewhere)), chain.ledger.address());
            BatchFlusher flusher =
                    new BatchFlusher(wrong, operator.submitter(), source(batches, journal), POLICY, clock, monitor);
            assertThatThrownBy(() -> flusher.flushUntil(BATCHES, LIMIT))
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("but elsewhere is chain 1");
            assertThat(monitor.snapshot().alarms()).containsOnlyKeys(FlusherAlarm.HALTED);
        }
        assertThat(transactions()).isEqualTo(1);
    }

    @Test
    void flush_contractReplacedByAnother_halts() throws IOException {
        JsonRpc.Transport redeployed = body -> {
            String answer = transport().post(body);
            return body.contains("eth_getCode") ? answer.replaceAll("(\"result\":\"0x)..", "$1fe") : answer;
        };
        try (FileAttemptJournal journal = journal()) {
            visible = 1;
            flusher(journal, batches).flushUntil(1, LIMIT);
            visible = BATCHES;
            LedgerContract other = new LedgerContract(new JsonRpc("node", redeployed), chain.ledger.address());
            assertThatThrownBy(() -> new BatchFlusher(
                                    other, operator.submitter(), source(batches, journal), POLICY, clock, monitor)
                            .step())
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("with ledger code");
        }
        assertThat(transactions()).isEqualTo(1);
    }

    @Test
    void step_everyReadButTheFirst_pinnedToOneBlock() throws IOException {
        List<String> bodies = new ArrayList<>();
        JsonRpc recording = new JsonRpc("recording", body -> {
            bodies.add(body);
            return transport().post(body);
        });
        try (FileAttemptJournal journal = journal()) {
            BatchFlusher flusher = new BatchFlusher(
                    new LedgerContract(recording, chain.ledger.address()),
                    operator.submitter(),
                    source(batches, journal),
                    POLICY,
                    clock,
                    monitor);
            flusher.step();
            assertThat(bodies)
                    .filteredOn(body -> body.contains("eth_call")
                            || body.contains("eth_getCode")
                            || body.contains("eth_getTransactionCount")
                            || body.contains("eth_getBalance")
                            || body.contains("eth_estimateGas"))
                    .hasSizeGreaterThanOrEqualTo(5)
                    .allSatisfy(body -> assertThat(body).contains("\"blockHash\":\"0x"));
        }
    }

    // ---- helpers ------------------------------------------------------------------------------

    private void setBaseFee(long wei) {
        chain.chain.rpc().call("anvil_setNextBlockBaseFeePerGas", "0x" + Long.toHexString(wei));
        chain.chain.rpc().call("evm_mine");
    }

    private SealedBatches sealed(String name) {
        return sealed(name, 1);
    }

    /// Batches of five receipts, or fewer, of one stream.
    private SealedBatches sealed(String name, int fewer) {
        int size = 6 - fewer;
        List<Receipt> run = ReceiptFixtures.run(name, BATCHES * size);
        List<BatchHeader> headers = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            headers.add(TestChain.seal(i + 1, operator.id(), run.subList(i * size, i * size + size))
                    .header());
        }
        return new Visible(SealedBatches.of(headers));
    }

    /// Those that are sealed so far.
    private final class Visible implements SealedBatches {
        private final SealedBatches all;

        Visible(SealedBatches all) {
            this.all = all;
        }

        @Override
        public long last() {
            return visible;
        }

        @Override
        public Optional<BatchHeader> batch(long number) {
            return number > visible ? Optional.empty() : all.batch(number);
        }

        @Override
        public Optional<Bytes32> head(long number) {
            return number > visible ? Optional.empty() : all.head(number);
        }
    }

    private FlushSource source(SealedBatches sealed, AttemptJournal journal) {
        return new FlushSource(operator.id(), stream, sealed, journal);
    }

    private FileAttemptJournal journal() throws IOException {
        return FileAttemptJournal.open(folder.resolve("journal"));
    }

    private BatchFlusher flusher(AttemptJournal journal, SealedBatches sealed) {
        return new BatchFlusher(chain.ledger, operator.submitter(), source(sealed, journal), POLICY, clock, monitor);
    }

    private BatchFlusher dying(AttemptJournal journal, CrashPoint point) {
        JsonRpc.Transport transport = body -> {
            String answer = transport().post(body);
            if (point == CrashPoint.AFTER_SEND && body.contains("eth_sendRawTransaction")) {
                throw new Crash();
            }
            return answer;
        };
        LedgerContract ledger = new LedgerContract(new JsonRpc("dying", transport), chain.ledger.address());
        return new BatchFlusher(
                ledger,
                operator.submitter(),
                source(batches, new DyingJournal(journal, point)),
                POLICY,
                clock,
                monitor);
    }

    private JsonRpc.Transport transport() {
        return JsonRpc.http(chain.chain.endpoint(), Duration.ofSeconds(5));
    }

    private long transactions() {
        JsonRpc rpc = chain.chain.rpc();
        return rpc.longInteger(rpc.call(
                "eth_getTransactionCount", operator.submitter().address().toString(), "latest"));
    }

    /// One event per number on the canonical chain, in order, each with the head that we compute.
    private void requireExactlyOnce() {
        JsonRpc rpc = chain.chain.rpc();
        var logs = rpc.call(
                "eth_getLogs",
                Map.of(
                        "fromBlock", "0x0",
                        "address", chain.ledger.address().toString(),
                        "topics", Arrays.asList(null, operator.id().toString(), stream.toString())));
        Bytes32 head = Bytes32.ZERO;
        assertThat(logs).hasSize(BATCHES);
        for (int i = 0; i < BATCHES; i++) {
            head = batches.batch(i + 1).orElseThrow().head(head);
            assertThat(rpc.longInteger(logs.get(i).at("/topics/3"))).isEqualTo(i + 1);
            assertThat(logs.get(i).get("data").asText()).startsWith(head.toString());
        }
    }

    private void withoutMining(Runnable action) {
        JsonRpc rpc = chain.chain.rpc();
        rpc.call("evm_setAutomine", false);
        try {
            action.run();
        } finally {
            rpc.call("evm_setAutomine", true);
        }
    }

    private record DyingJournal(AttemptJournal journal, CrashPoint point) implements AttemptJournal {
        @Override
        public Optional<ChainIdentity> identity() {
            return journal.identity();
        }

        @Override
        public void bind(ChainIdentity identity) {
            journal.bind(identity);
        }

        @Override
        public List<Attempt> attempts(long batchNumber) {
            return journal.attempts(batchNumber);
        }

        @Override
        public void recordAttempt(Attempt attempt) {
            if (point == CrashPoint.BEFORE_JOURNAL) {
                throw new Crash();
            }
            journal.recordAttempt(attempt);
            if (point == CrashPoint.AFTER_JOURNAL) {
                throw new Crash();
            }
        }

        @Override
        public long landedNumber() {
            return journal.landedNumber();
        }

        @Override
        public void recordLanded(long batchNumber, Bytes32 transactionHash) {
            if (point == CrashPoint.BEFORE_LANDED) {
                throw new Crash();
            }
            journal.recordLanded(batchNumber, transactionHash);
        }

        @Override
        public long finalNumber() {
            return journal.finalNumber();
        }

        @Override
        public void recordFinal(long batchNumber) {
            journal.recordFinal(batchNumber);
        }
    }

    /// A node, or the way to it, that fails about every fifth call in one of seven ways.
    private static final class FaultyTransport implements JsonRpc.Transport {
        private final JsonRpc.Transport node;
        private final Random random;
        private @Nullable String stale;
        private int faults;

        FaultyTransport(JsonRpc.Transport node, Random random) {
            this.node = node;
            this.random = random;
        }

        @Override
        public String post(String body) throws IOException, InterruptedException {
            if (random.nextInt(5) != 0) {
                stale = node.post(body);
                return stale;
            }
            faults++;
            return switch (random.nextInt(7)) {
                case 0 -> throw new IOException("lost on the way there");
                case 1 -> {
                    node.post(body);
                    throw new IOException("lost on the way back");
                }
                case 2 -> throw new IOException("HTTP status 503");
                case 3 ->
                    body.replaceAll(
                            "(?s).*\"id\":(\\d+).*",
                            "{\"id\":$1,\"error\":{\"code\":-32603,\"message\":\"internal error\"}}");
                case 4 -> {
                    node.post(body);
                    yield node.post(body); // delivered twice
                }
                case 5 -> {
                    String answer = node.post(body);
                    yield answer.substring(0, answer.length() / 2);
                }
                default -> stale == null ? "" : stale; // the answer to something else
            };
        }
    }

    private static final class ManualClock extends Clock {
        private Instant now = Instant.ofEpochMilli(1_790_000_000_000L);

        void advance(Duration duration) {
            now = now.plus(duration);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
