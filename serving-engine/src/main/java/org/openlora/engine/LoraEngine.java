package org.openlora.engine;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterResidency;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.kv.BlockCopy;
import org.openlora.engine.kv.BlockManager;
import org.openlora.engine.model.CausalLm;
import org.openlora.engine.model.ForwardBatch;
import org.openlora.engine.sampling.Sampler;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.engine.sampling.UnusableLogitsException;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.ScheduledStep;
import org.openlora.engine.scheduler.Scheduler;
import org.openlora.engine.scheduler.Sequence;
import org.openlora.engine.scheduler.ServiceTerms;
import org.openlora.engine.tokenizer.StreamingDetokenizer;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Serves one base model with many adapters.
///
/// **Threads.** One platform thread, `openlora-engine`, owns the scheduler, the key/value blocks, the model and
/// every [Generation]; it alone calls [#step]. Any thread may call [#submit], [#abort], [#stats] and [#close]:
/// they leave an [EngineCommand] in a queue whose length is bounded by the admission limit. Adapters load on the
/// residency's threads, usage is made durable on the meter's; both answer by a command or by the request's sink.
///
/// **Life of a request.** submit → adapters leased → waiting → running (prefill in chunks, then a token a step) →
/// usage durable → final event. The lease is held from its grant to the end, whatever happens in between. Of several
/// choices the first computes the prompt; the others begin behind it and share its keys and values.
///
/// **Which weights.** Nothing of a step is used before [StepProof] has read back which weights served each row.
/// Rows that were served by others than they asked for end their request with an error, and what they wrote
/// into the key/value cache goes with them; the other rows of the step go on.
public final class LoraEngine implements AutoCloseable {
    private static final Duration LONGEST_WAIT = Duration.ofHours(1);
    private static final Logger log = LoggerFactory.getLogger(LoraEngine.class);

    private final EngineConfig config;
    private final CausalLm model;
    private final Supplier<StreamingDetokenizer> detokenizers;
    private final AdapterResidency residency;
    private final UsageSink usageSink;
    private final InstantSource clock;

    private final BlockingQueue<EngineCommand> commands = new LinkedBlockingQueue<>();
    private final AtomicInteger openChoices = new AtomicInteger();
    private final Thread thread;
    private volatile boolean closing;
    private volatile boolean terminated;
    private volatile EngineStats stats;

    // Owned by the engine thread.
    private final BlockManager blocks;
    private final Scheduler scheduler;
    private final BatchBuilder batchBuilder;
    private final StepProof proof;
    private final AdapterHints hints;
    private final Sampler sampler;
    private final Map<String, Generation> open = new LinkedHashMap<>();
    private final TreeSet<Generation> byDeadline = new TreeSet<>(
            Comparator.comparing((Generation generation) -> generation.request().deadline())
                    .thenComparingLong(Generation::number));
    private final Map<Sequence, Choice> choices = new HashMap<>();
    private long nextNumber;
    private long nextSequenceId;
    private long steps;
    private long promptTokens;
    private long generatedTokens;
    private final Map<WeightFault, Long> weightFaults = new EnumMap<>(WeightFault.class); // answers that ended by each
    private boolean stopped;

    LoraEngine(
            EngineConfig config,
            CausalLm model,
            Supplier<StreamingDetokenizer> detokenizers,
            AdapterResidency residency,
            UsageSink usageSink,
            InstantSource clock) {
        this.config = config;
        this.model = model;
        this.detokenizers = detokenizers;
        this.residency = residency;
        this.usageSink = usageSink;
        this.clock = clock;
        this.blocks = new BlockManager(model.kvBlocks(), model.blockTokens());
        this.scheduler = new Scheduler(config.scheduler(), blocks);
        this.batchBuilder = new BatchBuilder(model.blockTokens(), model.slidingWindow(), residency.slots());
        this.proof = new StepProof(residency.slots());
        this.hints = new AdapterHints(residency);
        this.sampler = new Sampler(model.vocabularySize(), config.endTokenIds());
        this.stats = currentStats();
        this.thread = Thread.ofPlatform().name("openlora-engine").unstarted(this::run);
    }

    /// Starts the engine thread.
    ///
    /// @param model called by the engine thread only from now on; close it after the engine
    /// @param detokenizers gives one for each response
    public static LoraEngine start(
            EngineConfig config,
            CausalLm model,
            Supplier<StreamingDetokenizer> detokenizers,
            AdapterResidency residency,
            UsageSink usageSink,
            InstantSource clock) {
        LoraEngine engine = new LoraEngine(config, model, detokenizers, residency, usageSink, clock);
        engine.thread.start();
        return engine;
    }

    /// Queues a request; its events go to `sink` from then on.
    ///
    /// @throws EngineException if the request cannot be served at all: too long, out of vocabulary, too much
    ///     queued, or the engine is closing
    public void submit(GenerationRequest request, GenerationSink sink) {
        requireServable(request);
        if (openChoices.addAndGet(request.choices()) > config.maxQueuedRequests()) {
            openChoices.addAndGet(-request.choices());
            throw new EngineException(
                    EngineException.Code.OVERLOADED,
                    "no more than " + config.maxQueuedRequests() + " requests are queued at once; try again later");
        }
        List<TextStream> texts = new ArrayList<>();
        for (int choice = 0; choice < request.choices(); choice++) {
            texts.add(new TextStream(detokenizers.get(), request.params()));
        }
        send(new EngineCommand.Submit(new Generation(request, sink, texts)));
    }

    /// Ends a request early; its sink gets a [GenerationEvent.Finished] with [FinishReason#ABORT] for each of its
    /// choices. Unknown ids are ignored: the request may just have ended.
    public void abort(String requestId) {
        send(new EngineCommand.Abort(requestId));
    }

    /// Says that an adapter's weights in memory were found not to be its own. Open requests that use them, or may
    /// have read what they left in the prefix cache, fail; the cache is forgotten.
    public void distrust(Digest adapter) {
        send(new EngineCommand.Distrust(adapter));
    }

    public EngineStats stats() {
        return stats;
    }

    /// Most tokens of a prompt and its response together.
    public int longestSequence() {
        return Math.min(model.contextLength(), blocks.totalBlocks() * blocks.blockTokens());
    }

    /// Ends all open requests and waits for the engine thread.
    @Override
    public void close() {
        closing = true;
        send(new EngineCommand.Stop());
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // the model must not be freed under a running step
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void send(EngineCommand command) {
        commands.add(command);
        if (terminated) {
            refuseLate();
        }
    }

    /// Answers commands that came too late for the engine thread, so that no lease and no caller is left behind.
    /// Runs on whichever thread sees `terminated`; each command is taken by one.
    private void refuseLate() {
        EngineCommand command = commands.poll();
        while (command != null) {
            switch (command) {
                case EngineCommand.Submit(Generation generation) ->
                    generation.send(new GenerationEvent.Failed(shuttingDown()));
                case EngineCommand.AdaptersReady(Generation _, AdapterLease lease) -> lease.close();
                case EngineCommand.AdaptersFailed _,
                        EngineCommand.Abort _,
                        EngineCommand.Distrust _,
                        EngineCommand.Stop _ -> {}
            }
            command = commands.poll();
        }
    }

    private static EngineException shuttingDown() {
        return new EngineException(EngineException.Code.UNAVAILABLE, "the engine is shutting down");
    }

    private void requireServable(GenerationRequest request) {
        if (closing) {
            throw shuttingDown();
        }
        if (request.choices() > config.maxQueuedRequests()) {
            throw new EngineException(
                    EngineException.Code.INVALID_REQUEST,
                    "n is " + request.choices() + ": this server allows up to " + config.maxQueuedRequests());
        }
        if (request.adapters().size() > config.maxAdapters()) {
            throw new EngineException(
                    EngineException.Code.INVALID_REQUEST,
                    "the request names " + request.adapters().size() + " adapters: this server allows up to "
                            + config.maxAdapters() + " at once");
        }
        int longest = longestSequence();
        if (request.prompt().length >= longest) {
            throw new EngineException(
                    EngineException.Code.INVALID_REQUEST,
                    "the prompt has " + request.prompt().length + " tokens; with at least one more to generate, allowed"
                            + " is up to " + (longest - 1));
        }
        for (int token : request.prompt()) {
            if (token < 0 || token >= model.vocabularySize()) {
                throw new EngineException(
                        EngineException.Code.INVALID_REQUEST,
                        "prompt token " + token + " is not in the vocabulary: allowed is 0 to "
                                + (model.vocabularySize() - 1));
            }
        }
        try {
            request.params().requireWithin(model.vocabularySize());
        } catch (IllegalArgumentException e) {
            throw new EngineException(EngineException.Code.INVALID_REQUEST, String.valueOf(e.getMessage()), e);
        }
    }

    private void run() {
        try {
            while (!stopped) {
                if (!step() && !stopped) {
                    await();
                }
            }
        } catch (InterruptedException e) {
            log.error("The engine thread was interrupted: nothing may interrupt it", e);
            closing = true;
            failAll(e);
        } catch (RuntimeException | Error e) {
            log.error("The engine stops: a fault outside any request", e);
            closing = true;
            failAll(e);
            throw e;
        } finally {
            terminated = true;
            refuseLate();
        }
    }

    /// Waits for a command, or until a request is overdue.
    private void await() throws InterruptedException {
        EngineCommand command = byDeadline.isEmpty()
                ? commands.take()
                : commands.poll(untilNextDeadline().toNanos(), TimeUnit.NANOSECONDS);
        if (command != null) {
            handle(command);
        }
    }

    private Duration untilNextDeadline() {
        Duration left =
                Duration.between(clock.instant(), byDeadline.first().request().deadline());
        return left.compareTo(LONGEST_WAIT) < 0 ? left : LONGEST_WAIT;
    }

    /// One turn of the loop: drain → schedule → run → prove → sample → emit.
    ///
    /// @return false if there was nothing to compute
    boolean step() {
        drain();
        endOverdue();
        hints.give();
        ScheduledStep step = scheduler.schedule();
        if (step.isEmpty()) {
            publishStats();
            return false;
        }
        float[] logits = run(step);
        if (logits != null) {
            complete(step);
            emit(step, logits);
            endUnheard(step);
        }
        publishStats();
        return true;
    }

    private void drain() {
        EngineCommand command = commands.poll();
        while (command != null) {
            handle(command);
            command = commands.poll();
        }
    }

    private void handle(EngineCommand command) {
        switch (command) {
            case EngineCommand.Submit(Generation generation) -> admit(generation);
            case EngineCommand.AdaptersReady(Generation generation, AdapterLease lease) -> enqueue(generation, lease);
            case EngineCommand.AdaptersFailed(Generation generation, Throwable cause) -> refuse(generation, cause);
            case EngineCommand.Abort(String requestId) -> abortNow(requestId);
            case EngineCommand.Distrust(Digest adapter) -> distrustNow(adapter);
            case EngineCommand.Stop() -> stop();
        }
    }

    private void admit(Generation generation) {
        GenerationRequest request = generation.request();
        if (open.putIfAbsent(request.requestId(), generation) != null) {
            failUnadmitted(
                    generation,
                    new EngineException(
                            EngineException.Code.INVALID_REQUEST,
                            "request id " + request.requestId() + " is already being served"));
            return;
        }
        generation.admit(nextNumber++);
        byDeadline.add(generation);
        hints.await(generation);
        CompletableFuture<AdapterLease> lease = acquire(request);
        generation.await(lease);
        var _ = lease.whenComplete((held, failure) -> send(
                failure == null
                        ? new EngineCommand.AdaptersReady(generation, held)
                        : new EngineCommand.AdaptersFailed(generation, failure)));
    }

    /// A residency that throws fails the request at hand alone.
    private CompletableFuture<AdapterLease> acquire(GenerationRequest request) {
        try {
            return residency.acquire(request.adapterDigests(), request.deadline());
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private void enqueue(Generation generation, AdapterLease lease) {
        if (generation.ended()) {
            lease.close();
            return;
        }
        hints.settled(generation);
        GenerationRequest request = generation.request();
        generation.start(lease, clock.instant());
        if (!isFor(lease, request)) {
            weightFaults.merge(WeightFault.WRONG_SLOT, (long) request.choices(), Long::sum);
            log.error("Request {} was given adapters that it did not ask for", request.requestId());
            fail(generation, WeightFault.WRONG_SLOT.failure());
            return;
        }
        EngineException unmixable = SavedModules.refusal(request.adapters(), lease);
        if (unmixable != null) {
            fail(generation, unmixable);
            return;
        }
        Sequence sequence = new Sequence(
                nextSequenceId++,
                request.prompt(),
                request.params(),
                request.adapters(),
                lease,
                new ServiceTerms(request.billTo().account(), request.priority(), request.deadline()),
                PrefixSeeds.of(config.base(), request.adapters(), request.cacheSalt()));
        scheduler.add(sequence);
        begin(new Choice(generation, 0, sequence));
        generation.send(new GenerationEvent.Started(sequence.adapters()));
        if (generation.isUnheard()) {
            finish(generation, FinishReason.ABORT);
        }
    }

    /// Whether a lease is on what was asked for, and each adapter stands in its slot.
    private boolean isFor(AdapterLease lease, GenerationRequest request) {
        List<Digest> held =
                lease.adapters().stream().map(ResidentAdapter::digest).toList();
        return held.size() == request.adapters().size()
                && request.adapterDigests().equals(Set.copyOf(held))
                && lease.adapters().stream().allMatch(this::stands);
    }

    private boolean stands(ResidentAdapter adapter) {
        int slot = adapter.slot();
        if (slot < 0 || slot >= residency.slots().slots()) {
            return false;
        }
        ResidentAdapter there = residency.slots().at(slot);
        return there != null && there.digest().equals(adapter.digest());
    }

    private void begin(Choice choice) {
        choices.put(choice.sequence(), choice);
        choice.generation().choices().add(choice);
    }

    private void refuse(Generation generation, Throwable failure) {
        if (!generation.ended()) {
            hints.settled(generation);
            Throwable cause =
                    failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
            fail(
                    generation,
                    new EngineException(EngineException.Code.ADAPTER, String.valueOf(cause.getMessage()), cause));
        }
    }

    private void abortNow(String requestId) {
        Generation generation = open.get(requestId);
        if (generation != null) {
            finish(generation, FinishReason.ABORT);
        }
    }

    private void endOverdue() {
        if (byDeadline.isEmpty()) {
            return;
        }
        Instant now = clock.instant();
        while (!byDeadline.isEmpty() && byDeadline.first().request().deadline().isBefore(now)) {
            finish(byDeadline.first(), FinishReason.DEADLINE);
        }
    }

    private float @Nullable [] run(ScheduledStep step) {
        try {
            for (BlockCopy copy : step.copies()) {
                model.copyBlock(copy.from(), copy.to());
            }
            ForwardBatch batch = batchBuilder.build(step);
            float[] logits = model.forward(batch);
            steps++;
            if (!proof.check(step, batch.lora(), batchBuilder.slotEpoch())) {
                failUnproven(step);
            }
            return logits;
        } catch (RuntimeException e) {
            log.error("A step of {} rows failed; its requests fail, others go on", step.tokens(), e);
            EngineException failure =
                    new EngineException(EngineException.Code.INTERNAL, "the step failed: " + e.getMessage(), e);
            for (ScheduledStep.Chunk chunk : step.chunks()) {
                fail(choiceOf(chunk), failure);
            }
            return null;
        }
    }

    /// Ends what was not served by the weights it asked for. Its sequences go, and with them the blocks that
    /// the step wrote: none of those has a name yet. Blocks of steps before were proven, unless weights changed
    /// under their slots.
    private void failUnproven(ScheduledStep step) {
        for (int index = 0; index < step.chunks().size(); index++) {
            Choice choice = choices.get(step.chunks().get(index).sequence());
            WeightFault fault = proof.fault(index);
            if (choice == null || fault == null) {
                continue; // it ended with another of its request, or is as it should be
            }
            if (fault == WeightFault.CORRUPT_WEIGHTS) {
                for (ResidentAdapter adapter : choice.sequence().lease().adapters()) {
                    if (!adapter.isSound()) {
                        distrustNow(adapter.digest());
                    }
                }
            } else {
                log.error("{} in a step: {} of request {} ends", fault, choice.sequence(), requestId(choice));
                count(fault, choice);
                fail(choice, fault.failure());
            }
        }
    }

    /// Nobody knows since when the weights are wrong: whatever was or may have been computed with them is given up. A
    /// request whose weights were loaded afresh goes on, unless it found a part of its prompt in the cache.
    private void distrustNow(Digest adapter) {
        log.error("The weights of adapter {} changed in memory: its requests end, cached prefixes go", adapter);
        for (Generation generation : List.copyOf(open.values())) {
            if (generation.request().adapterDigests().contains(adapter)) {
                for (Choice choice : List.copyOf(generation.choices())) {
                    if (!choice.sequence().lease().isSound()
                            || choice.sequence().cached() > 0) {
                        count(WeightFault.CORRUPT_WEIGHTS, choice);
                        fail(choice, WeightFault.CORRUPT_WEIGHTS.failure());
                    }
                }
            }
        }
        scheduler.distrustCache();
    }

    private void count(WeightFault fault, Choice choice) {
        weightFaults.merge(fault, (long) answers(choice), Long::sum);
    }

    private static String requestId(Choice choice) {
        return choice.generation().request().requestId();
    }

    private void complete(ScheduledStep step) {
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            if (choices.containsKey(chunk.sequence())) {
                scheduler.complete(chunk);
            }
        }
    }

    private void emit(ScheduledStep step, float[] logits) {
        int sampled = 0;
        for (int index = 0; index < step.chunks().size(); index++) {
            ScheduledStep.Chunk chunk = step.chunks().get(index);
            promptTokens += Math.max(
                    0, Math.min(chunk.start() + chunk.count(), chunk.sequence().promptLength()) - chunk.start());
            if (chunk.samples()) {
                int offset = sampled++ * model.vocabularySize();
                Choice choice = choices.get(chunk.sequence());
                if (choice == null) {
                    continue; // failed in this very step
                }
                if (choice.isParent() && choice.sequence().generated() == 0) {
                    fork(choice, logits, offset, proof.lastRow(index));
                }
                draw(choice, logits, offset, proof.lastRow(index));
            }
        }
    }

    /// A sink that throws has lost an event: its request is aborted.
    private void endUnheard(ScheduledStep step) {
        for (ScheduledStep.Chunk chunk : step.chunks()) {
            Choice choice = choices.get(chunk.sequence());
            if (choice != null && choice.generation().isUnheard()) {
                finish(choice.generation(), FinishReason.ABORT);
            }
        }
    }

    /// The prompt is computed: the other choices draw their first tokens from the same logits.
    private void fork(Choice parent, float[] logits, int offset, int row) {
        Generation generation = parent.generation();
        for (int index = 1; index < generation.request().choices(); index++) {
            Choice choice = new Choice(generation, index, scheduler.fork(parent.sequence(), nextSequenceId++, index));
            begin(choice);
            draw(choice, logits, offset, row);
        }
    }

    /// Draws from the logits at `offset`, which are those of a row of the step; logits that cannot be drawn from fail
    /// their choice alone.
    private void draw(Choice choice, float[] logits, int offset, int row) {
        Sequence sequence = choice.sequence();
        int token;
        TokenLogprobs logprobs = null;
        try {
            token = sampler.sample(logits, offset, sequence.sampling());
            if (sequence.params().logprobs().isPresent()) {
                int top = sequence.params().logprobs().getAsInt();
                logprobs = sampler.logprobs(logits, offset, token, top);
            }
        } catch (UnusableLogitsException e) {
            String place = "token " + sequence.generated() + " of the response cannot be drawn: ";
            fail(choice, new EngineException(EngineException.Code.INTERNAL, place + e.getMessage(), e));
            return;
        }
        choice.served().count(proof, row);
        accept(choice, token, logprobs);
    }

    private void accept(Choice choice, int token, @Nullable TokenLogprobs logprobs) {
        Sequence sequence = choice.sequence();
        sequence.append(token);
        generatedTokens++;
        boolean endToken = endsResponse(sequence, token);
        // The token that ends a response is counted and billed like any other.
        boolean silent = endToken && !sequence.params().includeStop();
        String text = silent ? "" : choice.text().add(token);
        choice.generation().send(new GenerationEvent.Delta(choice.index(), token, text, logprobs));
        if (endToken || choice.text().stopped()) {
            finish(choice, FinishReason.STOP);
        } else if (sequence.generated() == sequence.params().maxTokens() || sequence.length() == longestSequence()) {
            finish(choice, FinishReason.LENGTH);
        }
    }

    private boolean endsResponse(Sequence sequence, int token) {
        return (!sequence.params().ignoreEos() && config.endTokenIds().contains(token))
                || sequence.sampling().isStopToken(token);
    }

    /// Ends a request. Nothing was generated: nothing is billed and there is nothing to finish. Otherwise each
    /// choice that has not ended does so with what there is.
    private void finish(Generation generation, FinishReason reason) {
        boolean unserved = generation.choices().isEmpty()
                || generation.choices().getFirst().sequence().generated() == 0;
        if (unserved) {
            fail(
                    generation,
                    reason == FinishReason.DEADLINE
                            ? new EngineException(
                                    EngineException.Code.DEADLINE_EXCEEDED,
                                    generation.choices().isEmpty()
                                            ? "the deadline passed while the request waited for its adapters"
                                            : "the deadline passed before the first token")
                            : new EngineException(
                                    EngineException.Code.UNAVAILABLE, "the request was ended before its first token"));
            return;
        }
        for (Choice choice : List.copyOf(generation.choices())) {
            finish(choice, reason);
        }
    }

    /// Ends a choice whose tokens count: usage is made durable, then the final event goes out.
    private void finish(Choice choice, FinishReason reason) {
        Usage usage = usage(choice, reason);
        String text = choice.text().finish();
        release(choice);
        var _ = commit(usage)
                .whenComplete(
                        (acknowledgement, failure) -> settle(choice, reason, text, usage, acknowledgement, failure));
    }

    /// A sink that throws loses the usage at hand alone.
    private CompletableFuture<SignedAcknowledgement> commit(Usage usage) {
        try {
            return usageSink.commit(usage);
        } catch (RuntimeException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private Usage usage(Choice choice, FinishReason reason) {
        Instant now = clock.instant();
        GenerationRequest request = choice.generation().request();
        Sequence sequence = choice.sequence();
        return new Usage(
                request.requestId(),
                choice.index(),
                request.billTo(),
                request.salt(),
                choice.generation().servedFrom(now),
                now,
                served(choice),
                sequence.promptTokens(),
                sequence.outputTokens(),
                sequence.cached(),
                sequence.discarded(),
                reason,
                request.params());
    }

    /// What the steps' proofs counted, not what the request asked for.
    private static List<Usage.AdapterTokens> served(Choice choice) {
        List<Usage.AdapterTokens> served = new ArrayList<>();
        for (AdapterSelection adapter : choice.sequence().adapters()) {
            int tokens = choice.served().of(served.size(), adapter.digest().tag());
            served.add(new Usage.AdapterTokens(adapter, tokens));
        }
        return served;
    }

    private void settle(
            Choice choice,
            FinishReason reason,
            String text,
            Usage usage,
            @Nullable SignedAcknowledgement acknowledgement,
            @Nullable Throwable failure) {
        openChoices.decrementAndGet();
        if (acknowledgement != null) {
            choice.generation()
                    .finished(new GenerationEvent.Finished(choice.index(), reason, text, usage, acknowledgement));
        } else {
            log.error("Usage of request {} could not be made durable; it is not billed", usage.requestId(), failure);
            choice.generation()
                    .failed(
                            1,
                            new EngineException(
                                    EngineException.Code.UNAVAILABLE,
                                    "the usage could not be made durable; nothing is billed"));
        }
    }

    /// Ends a choice without a result, and with a parent the choices that were to follow it.
    private void fail(Choice choice, EngineException failure) {
        int count = answers(choice);
        release(choice);
        openChoices.addAndGet(-count);
        choice.generation().failed(count, failure);
    }

    /// Answers that end with a choice: its own, and with a parent those that were to follow it.
    private static int answers(Choice choice) {
        boolean alone = !choice.isParent() || choice.sequence().generated() > 0;
        return alone ? 1 : choice.generation().request().choices();
    }

    /// Ends a request of which nothing was generated.
    private void fail(Generation generation, EngineException failure) {
        if (generation.choices().isEmpty()) {
            close(generation);
            failUnadmitted(generation, failure);
        } else {
            fail(generation.choices().getFirst(), failure);
        }
    }

    private void failUnadmitted(Generation generation, EngineException failure) {
        int count = generation.request().choices();
        openChoices.addAndGet(-count);
        generation.failed(count, failure);
    }

    private void release(Choice choice) {
        choices.remove(choice.sequence());
        scheduler.remove(choice.sequence());
        Generation generation = choice.generation();
        generation.choices().remove(choice);
        if (generation.choices().isEmpty()) {
            close(generation);
        }
    }

    private void close(Generation generation) {
        hints.settled(generation);
        generation.end();
        byDeadline.remove(generation);
        open.remove(generation.request().requestId(), generation);
    }

    private void stop() {
        stopped = true;
        for (Generation generation : List.copyOf(open.values())) {
            finish(generation, FinishReason.ABORT);
        }
    }

    private void failAll(Throwable cause) {
        EngineException failure =
                new EngineException(EngineException.Code.INTERNAL, "the engine stopped: " + cause.getMessage(), cause);
        for (Generation generation : List.copyOf(open.values())) {
            if (generation.choices().isEmpty()) {
                fail(generation, failure);
            }
            for (Choice choice : List.copyOf(generation.choices())) {
                fail(choice, failure);
            }
        }
    }

    private Choice choiceOf(ScheduledStep.Chunk chunk) {
        Choice choice = choices.get(chunk.sequence());
        if (choice == null) {
            throw new IllegalStateException(chunk.sequence() + " is scheduled but belongs to no request");
        }
        return choice;
    }

    private void publishStats() {
        stats = currentStats();
    }

    private EngineStats currentStats() {
        return new EngineStats(
                scheduler.waitingCount(),
                scheduler.runningCount(),
                steps,
                promptTokens,
                scheduler.cachedTokens(),
                generatedTokens,
                scheduler.preemptions(),
                weightFaults.getOrDefault(WeightFault.WRONG_SLOT, 0L),
                weightFaults.getOrDefault(WeightFault.WRONG_ROWS, 0L),
                weightFaults.getOrDefault(WeightFault.CORRUPT_WEIGHTS, 0L),
                blocks.freeBlocks(),
                blocks.cachedBlocks(),
                blocks.totalBlocks());
    }

    /// Throws [IllegalStateException] if a block or a sequence is lost. Between steps only.
    void checkIntegrity() {
        scheduler.checkIntegrity();
        if (choices.size() != scheduler.waitingCount() + scheduler.runningCount()) {
            throw new IllegalStateException(choices.size() + " choices are open, but " + scheduler.waitingCount()
                    + " wait and " + scheduler.runningCount() + " run");
        }
        if (byDeadline.size() != open.size()) {
            throw new IllegalStateException(
                    open.size() + " requests are open, but " + byDeadline.size() + " have a deadline");
        }
    }
}
