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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
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
                            operator.id(),
                            stream,
                            batches,
                            journal,
                            impatient,
                            Clock.systemUTC())
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
                    chain.ledger, operator.submitter(), operator.id(), stream, batches, journal, capped, clock);
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
            assertThatThrownBy(() -> flusher(journal, _ -> Optional.empty()).step())
                    .isInstanceOf(ChainException.Halted.class)
                    .hasMessageContaining("which the ledger has not sealed");
        }
    }

    @Test
    void flush_batchThatDoesNotContinueTheSequence_halts() throws IOException {
        Receipt later = ReceiptFixtures.run("flusher", 3).get(2);
        BatchHeader header = TestChain.seal(1, operator.id(), List.of(later)).header();
        try (FileAttemptJournal journal = journal()) {
            assertThatThrownBy(() -> flusher(journal, n -> n == 1 ? Optional.of(header) : Optional.empty())
                            .step())
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
            BatchFlusher flusher = new BatchFlusher(
                    chain.ledger, other.submitter(), operator.id(), stream, batches, journal, POLICY, clock);
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
                    operator.id(),
                    stream,
                    batches,
                    journal,
                    POLICY,
                    clock);
            assertThatThrownBy(() -> flusher.flushUntil(1, Duration.ofMillis(50)))
                    .isInstanceOf(ChainException.Failed.class)
                    .hasMessageContaining("unreachable chain dead: connection reset");
        }
    }

    // ---- helpers ------------------------------------------------------------------------------

    private SealedBatches sealed(String name) {
        return sealed(name, 1);
    }

    /// Batches of five receipts, or fewer, of one stream.
    private SealedBatches sealed(String name, int fewer) {
        int size = 6 - fewer;
        List<Receipt> run = ReceiptFixtures.run(name, BATCHES * size);
        Map<Long, BatchHeader> headers = new HashMap<>();
        for (int i = 0; i < BATCHES; i++) {
            headers.put(
                    i + 1L,
                    TestChain.seal(i + 1, operator.id(), run.subList(i * size, i * size + size))
                            .header());
        }
        return number -> number > visible ? Optional.empty() : Optional.ofNullable(headers.get(number));
    }

    private FileAttemptJournal journal() throws IOException {
        return FileAttemptJournal.open(folder.resolve("journal"));
    }

    private BatchFlusher flusher(AttemptJournal journal, SealedBatches sealed) {
        return new BatchFlusher(
                chain.ledger, operator.submitter(), operator.id(), stream, sealed, journal, POLICY, clock);
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
                operator.id(),
                stream,
                batches,
                new DyingJournal(journal, point),
                POLICY,
                clock);
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
