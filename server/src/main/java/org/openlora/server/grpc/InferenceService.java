package org.openlora.server.grpc;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openlora.api.v1.Delta;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.ListModelsRequest;
import org.openlora.api.v1.ListModelsResponse;
import org.openlora.api.v1.TokenizeRequest;
import org.openlora.api.v1.TokenizeResponse;
import org.openlora.engine.GenerationEvent;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.Serving;

/// `openlora.v1.Inference`.
///
/// A call gets a virtual thread that takes the engine's events from a queue and sends them: the engine never waits for
/// a client. The queue's length is bounded by the answer's `max_tokens`.
final class InferenceService extends InferenceGrpc.InferenceImplBase {
    private final Serving serving;
    private final CallLimiter limiter;
    private final int defaultMaxTokens;
    private final InstantSource clock;

    InferenceService(Serving serving, CallLimiter limiter, int defaultMaxTokens, InstantSource clock) {
        this.serving = serving;
        this.limiter = limiter;
        this.defaultMaxTokens = defaultMaxTokens;
        this.clock = clock;
    }

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateResponse> responses) {
        Tenant tenant = TenantInterceptor.current();
        ServerCallStreamObserver<GenerateResponse> call = (ServerCallStreamObserver<GenerateResponse>) responses;
        BlockingQueue<Signal> signals = new LinkedBlockingQueue<>();
        // Set here, because it may not be set once this method has returned.
        call.setOnCancelHandler(() -> signals.add(new Signal.Cancelled()));
        try {
            limiter.run(() -> generate(request, tenant, call, signals));
        } catch (StatusException e) {
            responses.onError(e);
        }
    }

    /// What a call's thread waits for.
    private sealed interface Signal {
        record Event(GenerationEvent event) implements Signal {}

        record Cancelled() implements Signal {}
    }

    private void generate(
            GenerateRequest request,
            Tenant tenant,
            ServerCallStreamObserver<GenerateResponse> call,
            BlockingQueue<Signal> signals) {
        try {
            Admission admission = serving.submit(
                    Messages.call(request, tenant, callDeadline(), defaultMaxTokens, clock),
                    event -> signals.add(new Signal.Event(event)));
            int unfinished = request.hasN() ? request.getN() : 1;
            boolean open = true;
            while (open) {
                Signal signal = signals.take();
                if (signal instanceof Signal.Event(GenerationEvent.Finished _)) {
                    unfinished--;
                }
                boolean last = unfinished == 0;
                open = switch (signal) {
                    case Signal.Event(GenerationEvent event) ->
                        send(event, last, admission, request.getReturnTokenIds(), call);
                    case Signal.Cancelled() -> {
                        serving.abort(admission);
                        yield false;
                    }
                };
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(call, Status.UNAVAILABLE.withDescription("the server is shutting down"));
        } catch (RuntimeException e) {
            fail(call, Statuses.of(e));
        }
    }

    /// @param last whether the event ends the last choice
    /// @return whether more will come
    private static boolean send(
            GenerationEvent event,
            boolean last,
            Admission admission,
            boolean returnTokenIds,
            ServerCallStreamObserver<GenerateResponse> call) {
        return switch (event) {
            case GenerationEvent.Started _ -> {
                call.onNext(GenerateResponse.newBuilder()
                        .setStarted(Messages.started(admission))
                        .build());
                yield true;
            }
            case GenerationEvent.Delta delta -> {
                if (returnTokenIds || !delta.text().isEmpty() || delta.logprobs() != null) {
                    delta(call, Messages.delta(delta, returnTokenIds));
                }
                yield true;
            }
            case GenerationEvent.Finished finished -> {
                if (!finished.text().isEmpty()) {
                    delta(call, Messages.lastDelta(finished));
                }
                call.onNext(GenerateResponse.newBuilder()
                        .setFinished(Messages.finished(finished))
                        .build());
                if (last) {
                    call.onCompleted();
                }
                yield !last;
            }
            case GenerationEvent.Failed failed -> {
                fail(call, Statuses.of(failed.cause()));
                yield false;
            }
        };
    }

    private static void delta(ServerCallStreamObserver<GenerateResponse> call, Delta delta) {
        call.onNext(GenerateResponse.newBuilder().setDelta(delta).build());
    }

    private static void fail(ServerCallStreamObserver<GenerateResponse> call, Status status) {
        if (!call.isCancelled()) {
            call.onError(status.asException());
        }
    }

    private @Nullable Instant callDeadline() {
        Deadline deadline = Context.current().getDeadline();
        return Optional.ofNullable(deadline)
                .map(d -> clock.instant().plusNanos(d.timeRemaining(TimeUnit.NANOSECONDS)))
                .orElse(null);
    }

    @Override
    public void tokenize(TokenizeRequest request, StreamObserver<TokenizeResponse> response) {
        limiter.answer(response, () -> {
            TokenizeResponse.Builder builder = TokenizeResponse.newBuilder()
                    .setContextLength(serving.model().contextLength());
            for (int id : serving.tokenize(Messages.prompt(request.getPrompt()))) {
                builder.addIds(id);
            }
            return builder.build();
        });
    }

    @Override
    public void listModels(ListModelsRequest request, StreamObserver<ListModelsResponse> response) {
        limiter.answer(response, () -> ListModelsResponse.newBuilder()
                .addModels(Messages.model(serving.model()))
                .build());
    }

    @Override
    public void listAdapters(ListAdaptersRequest request, StreamObserver<ListAdaptersResponse> response) {
        limiter.answer(response, () -> {
            ListAdaptersResponse.Builder builder = ListAdaptersResponse.newBuilder();
            serving.adapters().forEach(adapter -> builder.addAdapters(Messages.adapter(adapter)));
            return builder.build();
        });
    }
}
