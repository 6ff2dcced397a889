package org.openlora.server.audit;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.BaseModel;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.meter.UsageScorer;
import org.openlora.meter.audit.AnswerReplay;
import org.openlora.meter.audit.AuditRecords;
import org.openlora.meter.audit.AuditReport;
import org.openlora.meter.audit.AuditSample;
import org.openlora.meter.audit.AuditSample.Candidate;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.audit.AuditedReceipt;
import org.openlora.meter.audit.Auditor;
import org.openlora.meter.audit.Recomputation;
import org.openlora.meter.dispute.Disputes;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.trace.TraceStore;
import org.openlora.server.serving.OfflineParts;
import org.openlora.server.serving.Operator;

/// A ledger with all that its receipts can be checked with. Used by one thread.
public final class AuditDesk implements AutoCloseable {
    private final AttachedLedger ledger;
    private final Operator operator;
    private final Tokenizer tokenizer;
    private final AuditRecords records;
    private final Recomputation recomputation;
    private final TraceStore traces;
    private final @Nullable EngineReplay engine;

    private AuditDesk(
            AttachedLedger ledger,
            Operator operator,
            Tokenizer tokenizer,
            UsageScorer scorer,
            @Nullable EngineReplay engine) {
        this.ledger = ledger;
        this.operator = operator;
        this.tokenizer = tokenizer;
        this.records = new AuditRecords(ledger.database(), operator.identity().stream());
        this.recomputation = new Recomputation(records, scorer);
        this.traces = new TraceStore(ledger.database());
        this.engine = engine;
    }

    /// Opens tokenizer and corpora, and the model where answers are to be drawn again.
    ///
    /// @param ledger closed by who opened it
    public static AuditDesk open(AttachedLedger ledger, Operator operator, OfflineParts parts, boolean replay) {
        Tokenizer tokenizer = Tokenizers.open(parts.modelPath());
        try {
            Bytes32 digest = Bytes32.of(tokenizer.digest().bytes());
            UsageScorer scorer = new UsageScorer(ledger, parts.corpora(ledger, Map.of(digest, tokenizer::encode)));
            return new AuditDesk(ledger, operator, tokenizer, scorer, replay ? engine(parts) : null);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    private static EngineReplay engine(OfflineParts parts) {
        BaseModel model = parts.loadModel();
        try {
            return new EngineReplay(
                    model,
                    new DigestFolders(parts.adapterRoot(), parts.fetchedAdapters(), model.adaptableModules()),
                    parts.hostLimits(),
                    parts.maxRows());
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /// Cuts a text as the model reads it.
    public int[] encode(String text) {
        return tokenizer.encode(text);
    }

    /// The disputes of the ledger.
    ///
    /// @param inclusionWindow corrections are promised in a batch this long after they are made
    public Disputes disputes(Duration inclusionWindow) {
        return new Disputes(ledger, recomputation, this::kept, replay(), inclusionWindow);
    }

    private AnswerReplay replay() {
        return engine == null ? AnswerReplay.NONE : engine;
    }

    /// The token ids that the trace store still has.
    private Optional<AuditText> kept(Receipt receipt) {
        return traces.find(receipt.requestId())
                .map(trace -> new AuditText("trace store", trace.prompt(), trace.output(), trace.replay()));
    }

    /// Audits a sample of the receipts that were served from a time on.
    ///
    /// @param since null for all of the stream
    /// @param progress told how many are done
    public AuditReport audit(int sample, long seed, @Nullable Instant since, IntConsumer progress) {
        long last = ledger.queries().lastSeq();
        long from = since == null ? 1 : records.firstSince(since.toEpochMilli(), last);
        List<Candidate> candidates = records.candidates(from);
        Auditor auditor = auditor(this::kept);
        List<AuditedReceipt> audited = new ArrayList<>();
        for (long seq : AuditSample.choose(candidates, seed, sample)) {
            audited.add(auditor.audit(seq));
            progress.accept(audited.size());
        }
        return new AuditReport(seed, candidates.size(), audited);
    }

    /// Audits one receipt.
    ///
    /// @param text given by who has it; null for what the trace store has
    public AuditReport audit(long seq, @Nullable AuditText text) {
        AuditedReceipt audited = auditor(receipt -> text == null ? kept(receipt) : Optional.of(text))
                .audit(seq);
        return new AuditReport(0, 1, List.of(audited));
    }

    private Auditor auditor(AuditText.Source texts) {
        return new Auditor(ledger, records, operator.key().address(), recomputation, texts, replay());
    }

    @Override
    public void close() {
        try {
            tokenizer.close();
        } finally {
            if (engine != null) {
                engine.close();
            }
        }
    }
}
