package org.openlora.server.grpc;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;
import org.openlora.engine.BillTo;
import org.openlora.engine.FinishReason;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.Usage;
import org.openlora.engine.sampling.SamplingParams;
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

/// Answers every call with the words it was made with, one token each; or with nothing until it is aborted.
final class FakeServing implements Serving {
    static final Digest BASE = Digest.sha256(new byte[] {1});
    static final Digest ADAPTER = Digest.sha256(new byte[] {2});

    private final List<String> words;
    private final boolean silent;
    private final BlockingQueue<GenerationCall> calls = new LinkedBlockingQueue<>();
    private final CountDownLatch aborted = new CountDownLatch(1);
    private final List<Runnable> refusalChanged = new CopyOnWriteArrayList<>();
    private volatile Optional<String> refusal = Optional.empty();

    FakeServing(List<String> words, boolean silent) {
        this.words = List.copyOf(words);
        this.silent = silent;
    }

    BlockingQueue<GenerationCall> calls() {
        return calls;
    }

    void awaitAbort() throws InterruptedException {
        aborted.await();
    }

    @Override
    public ServedModel model() {
        return new ServedModel("fake", "llama", BASE, Digest.sha256(new byte[] {3}), 64, "0x00");
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
        calls.add(call);
        List<Admission.ResolvedAdapter> adapters = new ArrayList<>();
        for (AdapterChoice choice : call.adapters()) {
            if (choice instanceof AdapterChoice.ByName(String name, int scale)) {
                if (!name.equals("sound")) {
                    throw new AdapterException(AdapterException.Code.NOT_FOUND, "no adapter " + name);
                }
                adapters.add(new Admission.ResolvedAdapter(name, ADAPTER, Digest.ZERO, scale));
            }
        }
        String id = call.clientRequestId() == null ? "made-up" : call.clientRequestId();
        sink.accept(new GenerationEvent.Started(List.of()));
        if (!silent) {
            for (int i = 0; i < words.size(); i++) {
                sink.accept(new GenerationEvent.Delta(0, i, words.get(i), null));
            }
            sink.accept(new GenerationEvent.Finished(0, FinishReason.STOP, "!", usage(), acknowledgement()));
        }
        return new Admission(id, id, BASE, adapters, tokenize(call.prompt()).length);
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
        aborted.countDown();
    }

    private Usage usage() {
        return new Usage(
                "made-up",
                0,
                new BillTo(Bytes32.ZERO, Address.ZERO),
                Bytes32.ZERO,
                Instant.EPOCH,
                Instant.EPOCH,
                List.of(),
                new int[] {1, 2, 3},
                new int[words.size()],
                0,
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
