package org.openlora.server.http;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;
import org.openlora.engine.BillTo;
import org.openlora.engine.EngineException;
import org.openlora.engine.FinishReason;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.UsageAcknowledgement;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.ServedModel;
import org.openlora.server.serving.Serving;

/// Takes calls on, and leaves it to the test to answer them.
final class ScriptedServing implements Serving {
    static final Digest BASE = Digest.sha256(new byte[] {1});
    static final Digest ADAPTER = Digest.sha256(new byte[] {2});
    private static final long PATIENCE_SECONDS = 60;

    private final BlockingQueue<Submitted> submitted = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> aborted = new LinkedBlockingQueue<>();
    private final List<Runnable> refusalChanged = new CopyOnWriteArrayList<>();
    private volatile Optional<String> refusal = Optional.empty();

    /// A call that was taken on.
    record Submitted(GenerationCall call, GenerationSink sink, Admission admission) {
        Submitted start() {
            sink.accept(new GenerationEvent.Started(List.of()));
            return this;
        }

        Submitted say(int choice, String... texts) {
            for (String text : texts) {
                sink.accept(new GenerationEvent.Delta(choice, 7, text, null));
            }
            return this;
        }

        Submitted guess(int choice, int start, int length) {
            sink.accept(new GenerationEvent.Attributed(
                    choice,
                    new ProvisionalSpan(
                            start,
                            length,
                            41L << 16,
                            3,
                            List.of(new ProvisionalSpan.Origin(Bytes32.ZERO, Bytes32.ZERO, 17)))));
            return this;
        }

        Submitted finish(int choice, String held, int generated, int cached) {
            sink.accept(new GenerationEvent.Finished(
                    choice,
                    FinishReason.STOP,
                    held,
                    usage(choice, admission.promptTokens(), generated, cached),
                    acknowledgement()));
            return this;
        }

        void fail(EngineException.Code code, String message) {
            sink.accept(new GenerationEvent.Failed(new EngineException(code, message)));
        }
    }

    Submitted next() throws InterruptedException {
        Submitted next = submitted.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (next == null) {
            throw new AssertionError("no call came");
        }
        return next;
    }

    /// Waits until that request is aborted.
    void awaitAborted(String requestId) throws InterruptedException {
        String id = "";
        while (!id.equals(requestId)) {
            id = aborted.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (id == null) {
                throw new AssertionError(requestId + " was not aborted");
            }
        }
    }

    @Override
    public ServedModel model() {
        return new ServedModel("base", "llama", BASE, Digest.sha256(new byte[] {3}), 64, "0x00");
    }

    @Override
    public int[] tokenize(PromptInput prompt) {
        return switch (prompt) {
            case PromptInput.Text(String text) -> text.chars().toArray();
            case PromptInput.Tokens(List<Integer> ids) ->
                ids.stream().mapToInt(Integer::intValue).toArray();
            case PromptInput.Chat(List<PromptInput.Turn> turns) -> new int[turns.size()];
        };
    }

    @Override
    public String decode(int... tokens) {
        return new String(tokens, 0, tokens.length);
    }

    @Override
    public Admission submit(GenerationCall call, GenerationSink sink) {
        List<Admission.ResolvedAdapter> adapters =
                call.adapters().stream().map(ScriptedServing::resolve).toList();
        if (call.prompt().equals(new PromptInput.Text("too much"))) {
            throw new EngineException(EngineException.Code.OVERLOADED, "9 requests are queued already");
        }
        if (call.prompt().equals(new PromptInput.Text("ending"))) {
            throw new EngineException(EngineException.Code.UNAVAILABLE, "the engine is shutting down");
        }
        String id = call.clientRequestId() == null ? "made-up" : call.clientRequestId();
        Admission admission = new Admission(id, id, BASE, adapters, tokenize(call.prompt()).length);
        submitted.add(new Submitted(call, sink, admission));
        return admission;
    }

    private static Admission.ResolvedAdapter resolve(AdapterChoice choice) {
        if (choice instanceof AdapterChoice.ByName(String name, int scale) && name.equals("sound")) {
            return new Admission.ResolvedAdapter(name, ADAPTER, Digest.ZERO, scale);
        }
        throw new AdapterException(AdapterException.Code.NOT_FOUND, "no adapter for " + choice);
    }

    @Override
    public Optional<String> refusal() {
        return refusal;
    }

    @Override
    public void onRefusalChange(Runnable changed) {
        refusalChanged.add(changed);
        changed.run();
    }

    void refuse(Optional<String> reason) {
        refusal = reason;
        refusalChanged.forEach(Runnable::run);
    }

    @Override
    public void abort(Admission admission) {
        aborted.add(admission.engineId());
    }

    private static Usage usage(int choice, int promptTokens, int generated, int cached) {
        return new Usage(
                "made-up",
                choice,
                new BillTo(Bytes32.ZERO, Address.ZERO),
                Bytes32.ZERO,
                Instant.EPOCH,
                Instant.EPOCH,
                List.of(),
                new int[promptTokens],
                new int[generated],
                cached,
                0,
                FinishReason.STOP,
                SamplingParams.greedy(1));
    }

    private static SignedAcknowledgement acknowledgement() {
        Bytes32 word = Bytes32.parse("0x" + "11".repeat(32));
        return SignedAcknowledgement.sign(
                new UsageAcknowledgement(word, word, word, word, 3, 2, word, word, 1000),
                Eip712Domain.ledger(31337, Address.ZERO),
                OperatorKey.ofHex("01".repeat(32)));
    }
}
