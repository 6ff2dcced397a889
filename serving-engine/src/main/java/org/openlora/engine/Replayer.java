package org.openlora.engine;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.sampling.Sampler;
import org.openlora.engine.sampling.SamplingState;
import org.openlora.engine.sampling.UnusableLogitsException;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.engine.scheduler.ServiceTerms;
import org.openlora.engine.tokenizer.StreamingDetokenizer;
import org.openlora.meter.evm.Bytes32;

/// Draws recorded answers again, to see whether they are what they are said to be.
///
/// **Teacher-forced**: the recorded tokens are fed in chunks, as a prompt is, and the next token is drawn at every
/// position of the answer with the recorded parameters; what was recorded goes on being fed, whatever is drawn. A
/// row's logits are the same bits in any chunk, so on the numeric path that served the answer every draw gives the
/// recorded token again. One pass over the weights serves a chunk of tokens: a replay costs what a prompt costs.
///
/// Which weights served each row is proven as for live requests. Owned by one thread, which owns the model with it: no
/// engine may run on the same model.
public final class Replayer {
    private final CausalLm model;
    private final AdapterResidency residency;
    private final Set<Integer> endTokenIds;
    private final Supplier<StreamingDetokenizer> detokenizers;
    private final int chunkRows;
    private final BlockManager blocks;
    private final BatchBuilder batchBuilder;
    private final StepProof proof;
    private final Sampler sampler;

    /// @param endTokenIds tokens that end an answer, as the model was trained
    /// @param chunkRows tokens of one pass, at most what the model was opened for; each row of an answer takes a
    /// row of
    ///     logits
    public Replayer(
            CausalLm model,
            AdapterResidency residency,
            Set<Integer> endTokenIds,
            Supplier<StreamingDetokenizer> detokenizers,
            int chunkRows) {
        if (chunkRows < 1) {
            throw new IllegalArgumentException("chunkRows is " + chunkRows + ": at least 1");
        }
        this.model = model;
        this.residency = residency;
        this.endTokenIds = Set.copyOf(endTokenIds);
        this.detokenizers = detokenizers;
        this.chunkRows = chunkRows;
        this.blocks = new BlockManager(model.kvBlocks(), model.blockTokens());
        this.batchBuilder = new BatchBuilder(model.blockTokens(), model.slidingWindow(), residency.slots());
        this.proof = new StepProof(residency.slots());
        this.sampler = new Sampler(model.vocabularySize(), endTokenIds);
    }

    /// Draws an answer again.
    ///
    /// @param deadline by which its adapters must be resident
    /// @throws EngineException where it cannot be done: an adapter is not to be had, the answer is longer than the
    ///     model or its cache, a token is not in the vocabulary
    public Replay replay(RecordedAnswer answer, Instant deadline) throws InterruptedException {
        requireReplayable(answer);
        try (AdapterLease lease = lease(answer, deadline)) {
            EngineException unmixable = SavedModules.refusal(answer.adapters(), lease);
            if (unmixable != null) {
                throw unmixable;
            }
            Sequence sequence = new Sequence(
                    0,
                    fed(answer),
                    answer.params(),
                    answer.adapters(),
                    lease,
                    new ServiceTerms(Bytes32.ZERO, 0, deadline),
                    Bytes32.ZERO);
            if (!blocks.reserve(sequence.blockTable(), sequence.length())) {
                throw refused("it has " + sequence.length() + " tokens, the key/value cache holds "
                        + blocks.totalBlocks() * blocks.blockTokens());
            }
            try {
                return new Replay(answer.output().length, draw(answer, sequence), ending(answer));
            } finally {
                blocks.release(sequence.blockTable());
            }
        }
    }

    /// All tokens that the model read: all but the last sampled one.
    private static int[] fed(RecordedAnswer answer) {
        int prompt = answer.prompt().length;
        int[] tokens = Arrays.copyOf(answer.prompt(), prompt + answer.output().length - 1);
        System.arraycopy(answer.output(), 0, tokens, prompt, tokens.length - prompt);
        return tokens;
    }

    private void requireReplayable(RecordedAnswer answer) {
        int length = answer.prompt().length + answer.output().length;
        if (length > model.contextLength()) {
            throw refused("it has " + length + " tokens, the model's context " + model.contextLength());
        }
        requireKnown(answer.prompt());
        requireKnown(answer.output());
        try {
            answer.params().requireWithin(model.vocabularySize());
        } catch (IllegalArgumentException e) {
            throw refused(String.valueOf(e.getMessage()));
        }
    }

    private void requireKnown(int[] tokens) {
        for (int token : tokens) {
            if (token < 0 || token >= model.vocabularySize()) {
                throw refused("token " + token + " is not in the vocabulary: allowed is 0 to "
                        + (model.vocabularySize() - 1));
            }
        }
    }

    private static EngineException refused(String reason) {
        return new EngineException(EngineException.Code.INVALID_REQUEST, "the answer cannot be drawn again: " + reason);
    }

    private AdapterLease lease(RecordedAnswer answer, Instant deadline) throws InterruptedException {
        Set<Digest> digests =
                answer.adapters().stream().map(AdapterSelection::digest).collect(Collectors.toUnmodifiableSet());
        try {
            return residency.acquire(digests, deadline).get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new EngineException(EngineException.Code.ADAPTER, String.valueOf(cause.getMessage()), cause);
        }
    }

    private List<Replay.Disagreement> draw(RecordedAnswer answer, Sequence sequence) {
        SamplingState state = new SamplingState(answer.params(), answer.choice(), answer.prompt());
        List<Replay.Disagreement> disagreements = new ArrayList<>();
        int firstDrawn = answer.prompt().length - 1; // the row whose logits give the first token of the answer
        int position = 0;
        for (int start = 0; start < sequence.length(); start += chunkRows) {
            int count = Math.min(chunkRows, sequence.length() - start);
            int skipped = Math.max(0, Math.min(count, firstDrawn - start));
            float[] logits = forward(sequence, start, count, skipped);
            for (int row = 0; row < count - skipped; row++) {
                int recorded = answer.output()[position];
                int offset = row * model.vocabularySize();
                int drawn = sample(logits, offset, state, position);
                if (drawn != recorded) {
                    disagreements.add(new Replay.Disagreement(
                            position, recorded, drawn, sampler.gap(logits, offset, recorded, state)));
                }
                state.accept(recorded);
                position++;
            }
        }
        return disagreements;
    }

    private int sample(float[] logits, int offset, SamplingState state, int position) {
        try {
            return sampler.sample(logits, offset, state);
        } catch (UnusableLogitsException e) {
            throw new EngineException(
                    EngineException.Code.INTERNAL,
                    "token " + position + " of the answer cannot be drawn: " + e.getMessage(),
                    e);
        }
    }

    /// @return logits of the rows of the chunk behind the first `skipped`
    private float[] forward(Sequence sequence, int start, int count, int skipped) {
        ScheduledStep step = new ScheduledStep(List.of(new ScheduledStep.Chunk(sequence, start, count)), List.of());
        ForwardBatch batch = batchBuilder.build(step);
        int[] wanted = new int[count - skipped];
        Arrays.setAll(wanted, row -> skipped + row);
        float[] logits = model.forward(
                new ForwardBatch(batch.tokens(), batch.slotMapping(), batch.attention(), batch.lora(), wanted));
        if (!proof.check(step, batch.lora(), batchBuilder.slotEpoch())) {
            WeightFault fault = proof.fault(0);
            throw (fault == null ? WeightFault.WRONG_ROWS : fault).failure();
        }
        return logits;
    }

    /// Holds the end against what ends an answer while it is served.
    private Replay.Ending ending(RecordedAnswer answer) {
        TextStream text = new TextStream(detokenizers.get(), answer.params());
        SamplingState state = new SamplingState(answer.params(), answer.choice(), answer.prompt());
        int[] output = answer.output();
        for (int position = 0; position < output.length; position++) {
            int token = output[position];
            boolean endToken =
                    (!answer.params().ignoreEos() && endTokenIds.contains(token)) || state.isStopToken(token);
            if (!endToken || answer.params().includeStop()) {
                text.add(token);
            }
            boolean full = position + 1 == answer.params().maxTokens();
            boolean last = position + 1 == output.length;
            if ((endToken || text.stopped() || full) && !last) {
                return Replay.Ending.WENT_ON;
            }
            if (last && answer.finishReason() == FinishReason.STOP && !endToken && !text.stopped()) {
                return Replay.Ending.CUT_SHORT;
            }
        }
        return Replay.Ending.HOLDS;
    }
}
