package org.openlora.server.audit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.engine.BaseModel;
import org.openlora.engine.EngineException;
import org.openlora.engine.RecordedAnswer;
import org.openlora.engine.Replay;
import org.openlora.engine.Replayer;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.audit.AnswerReplay;
import org.openlora.meter.audit.Outcome;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.UsageRow;
import org.openlora.server.retention.ReplayDocument;

/// Draws recorded answers again on a model of its own. Used by one thread.
public final class EngineReplay implements AnswerReplay, AutoCloseable {
    /// Tokens of one pass over the weights: each row of an answer takes a row of logits.
    private static final int CHUNK_ROWS = 64;

    private static final Duration LOAD_LIMIT = Duration.ofMinutes(2);
    /// What bf16's eight bits may make of logits of about 20, and of shares of a draw, on another path.
    private static final double LOGIT_TIE = 0.5;

    private static final double PROBABILITY_TIE = 0.05;
    private static final int SHOWN = 3;

    private final BaseModel model;
    private final HostAdapterResidency residency;
    private final Replayer replayer;

    /// @param model closed with this
    /// @param chunkRows most rows that the model was opened for
    EngineReplay(BaseModel model, DigestFolders adapters, HostLimits limits, int chunkRows) {
        this.model = model;
        this.residency = new HostAdapterResidency(adapters, limits, InstantSource.system());
        this.replayer = new Replayer(
                model.model(),
                residency,
                Set.copyOf(model.config().eosTokenIds()),
                model.tokenizer()::newDetokenizer,
                Math.min(CHUNK_ROWS, chunkRows));
    }

    @Override
    public Outcome replay(UsageRow row, String replay) {
        if (!row.baseDigest().equals(word(model.digest()))) {
            return new Outcome.NotChecked(
                    "it was served by base " + Sha256.text(row.baseDigest()) + ", opened is " + model.digest());
        }
        if (row.output().size() == 0) {
            return new Outcome.NotChecked("the answer has no tokens");
        }
        boolean samePath = row.numericPath().equals(word(model.numericPath().digest()));
        try {
            return outcome(replayer.replay(answer(row, replay), Instant.now().plus(LOAD_LIMIT)), samePath);
        } catch (EngineException e) {
            return switch (e.code()) {
                case ADAPTER -> new Outcome.NotChecked(String.valueOf(e.getMessage()));
                case INVALID_REQUEST -> new Outcome.Disagrees(String.valueOf(e.getMessage()));
                case OVERLOADED, UNAVAILABLE, DEADLINE_EXCEEDED, WRONG_WEIGHTS, INTERNAL -> throw e;
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while an answer was drawn again", e);
        }
    }

    private static RecordedAnswer answer(UsageRow row, String replay) {
        ReplayDocument document = ReplayDocument.fromJson(replay);
        List<AdapterSelection> adapters = row.adapters().stream()
                .map(adapter -> new AdapterSelection(
                        new Digest(adapter.use().digest().toString().substring(2)),
                        adapter.use().scalePpm(),
                        null))
                .toList();
        return new RecordedAnswer(
                row.prompt().toArray(),
                row.output().toArray(),
                adapters,
                document.params(),
                document.choice(),
                document.finishReason());
    }

    private static Outcome outcome(Replay replay, boolean samePath) {
        String path = samePath ? "on the same numeric path" : "on another numeric path";
        if (replay.isExact()) {
            return new Outcome.Agrees(replay.positions() + " tokens drawn again " + path);
        }
        List<Replay.Disagreement> found = replay.disagreements();
        StringBuilder detail = new StringBuilder(
                "%d of %d tokens drawn otherwise %s".formatted(found.size(), replay.positions(), path));
        for (Replay.Disagreement one : found.subList(0, Math.min(SHOWN, found.size()))) {
            detail.append("; at %d token %d was recorded, %d is drawn, %s gap %.3g"
                    .formatted(
                            one.position(),
                            one.recorded(),
                            one.drawn(),
                            one.gap().unit().name().toLowerCase(Locale.ROOT),
                            one.gap().size()));
        }
        switch (replay.ending()) {
            case HOLDS -> {}
            case WENT_ON -> detail.append("; it goes on behind a token that ends it");
            case CUT_SHORT -> detail.append("; it is said to be stopped, and nothing in it stops it");
        }
        boolean ties = !samePath
                && replay.ending() == Replay.Ending.HOLDS
                && found.stream().allMatch(one -> one.gap().isNearTie(LOGIT_TIE, PROBABILITY_TIE));
        return ties ? new Outcome.NearTies(detail.toString()) : new Outcome.Disagrees(detail.toString());
    }

    private static Bytes32 word(Digest digest) {
        return Bytes32.of(digest.bytes());
    }

    @Override
    public void close() {
        try {
            residency.close();
        } finally {
            model.close();
        }
    }
}
