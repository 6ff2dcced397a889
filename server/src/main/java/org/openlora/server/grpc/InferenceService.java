package org.openlora.server.grpc;

import com.linecorp.armeria.common.util.TimeoutMode;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.InstantSource;
import org.openlora.api.v1.Delta;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.ListModelsRequest;
import org.openlora.api.v1.ListModelsResponse;
import org.openlora.api.v1.TokenizeRequest;
import org.openlora.api.v1.TokenizeResponse;
import org.openlora.engine.GenerationEvent;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.Serving;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// `openlora.v1.Inference`.
///
/// A call gets a virtual thread that takes the engine's events from a bounded queue and sends them: the engine never
/// waits for a client, and a request whose client does not read is aborted.
final class InferenceService extends InferenceGrpc.InferenceImplBase {
    private static final Logger log = LoggerFactory.getLogger(InferenceService.class);
    private static final Duration TIME_TO_TAKE_THE_END = Duration.ofSeconds(60);

    private final Serving serving;
    private final CallLimiter limiter;
    private final int defaultMaxTokens;
    private final int maxBufferedEvents;
    private final InstantSource clock;

    /// @param maxBufferedEvents events of one answer that may wait for its client
    InferenceService(
            Serving serving, CallLimiter limiter, int defaultMaxTokens, int maxBufferedEvents, InstantSource clock) {
        this.serving = serving;
        this.limiter = limiter;
        this.defaultMaxTokens = defaultMaxTokens;
        this.maxBufferedEvents = maxBufferedEvents;
        this.clock = clock;
    }

    @Override
    public void generate(GenerateRequest request, StreamObserver<GenerateResponse> responses) {
        Tenant tenant = TenantInterceptor.current();
        ServiceRequestContext transport = ServiceRequestContext.current();
        ServerCallStreamObserver<GenerateResponse> call = (ServerCallStreamObserver<GenerateResponse>) responses;
        UnsentEvents<GenerationEvent> unsent = new UnsentEvents<>(
                maxBufferedEvents, new LastEvent(request.hasN() ? request.getN() : 1), call::isReady);
        // Set here, because they may not be set once this method has returned.
        call.setOnReadyHandler(unsent::wake);
        call.setOnCancelHandler(unsent::cancel);
        try {
            limiter.run(() -> {
                generate(request, tenant, call, unsent);
                // Nothing more comes; a client that does not take it keeps a connection and nothing else, for so long.
                transport.setRequestTimeout(TimeoutMode.SET_FROM_NOW, TIME_TO_TAKE_THE_END);
            });
        } catch (StatusException e) {
            responses.onError(e);
        }
    }

    private void generate(
            GenerateRequest request,
            Tenant tenant,
            ServerCallStreamObserver<GenerateResponse> call,
            UnsentEvents<GenerationEvent> unsent) {
        try {
            Admission admission = serving.submit(
                    Messages.call(request, tenant, CallDeadline.current(clock).orElse(null), defaultMaxTokens, clock),
                    event -> leave(event, unsent));
            boolean open = true;
            while (open) {
                open = switch (unsent.next()) {
                    case UnsentEvents.Turn.Send<GenerationEvent>(var events, boolean last) -> {
                        events.forEach(event -> send(event, admission, request.getReturnTokenIds(), call));
                        if (last && !(events.getLast() instanceof GenerationEvent.Failed)) {
                            call.onCompleted();
                        }
                        yield !last;
                    }
                    case UnsentEvents.Turn.GiveUp<GenerationEvent>() -> {
                        giveUp(admission, call);
                        yield false;
                    }
                    case UnsentEvents.Turn.Stop<GenerationEvent>() -> {
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

    private static void leave(GenerationEvent event, UnsentEvents<GenerationEvent> unsent) {
        if (event instanceof GenerationEvent.Attributed) {
            unsent.offer(event);
        } else {
            unsent.accept(event);
        }
    }

    /// The status comes behind what was sent, so a client that begins to read after all gets to know.
    private void giveUp(Admission admission, ServerCallStreamObserver<GenerateResponse> call) {
        log.warn(
                "the client of {} does not read: {} events wait, the request is aborted",
                admission.requestId(),
                maxBufferedEvents);
        serving.abort(admission);
        fail(
                call,
                Status.RESOURCE_EXHAUSTED.withDescription(
                        "the answer was not read: %d of its events waited, no more may; the request is aborted"
                                .formatted(maxBufferedEvents)));
    }

    private static void send(
            GenerationEvent event,
            Admission admission,
            boolean returnTokenIds,
            ServerCallStreamObserver<GenerateResponse> call) {
        switch (event) {
            case GenerationEvent.Started _ ->
                call.onNext(GenerateResponse.newBuilder()
                        .setStarted(Messages.started(admission))
                        .build());
            case GenerationEvent.Delta delta -> {
                if (returnTokenIds || !delta.text().isEmpty() || delta.logprobs() != null) {
                    delta(call, Messages.delta(delta, returnTokenIds));
                }
            }
            case GenerationEvent.Attributed attributed ->
                call.onNext(GenerateResponse.newBuilder()
                        .setAttribution(Messages.attributed(attributed))
                        .build());
            case GenerationEvent.Finished finished -> {
                if (!finished.text().isEmpty()) {
                    delta(call, Messages.lastDelta(finished));
                }
                call.onNext(GenerateResponse.newBuilder()
                        .setFinished(Messages.finished(finished))
                        .build());
            }
            case GenerationEvent.Failed failed -> fail(call, Statuses.of(failed.cause()));
        }
    }

    private static void delta(ServerCallStreamObserver<GenerateResponse> call, Delta delta) {
        call.onNext(GenerateResponse.newBuilder().setDelta(delta).build());
    }

    private static void fail(ServerCallStreamObserver<GenerateResponse> call, Status status) {
        if (!call.isCancelled()) {
            call.onError(status.asException());
        }
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
}
