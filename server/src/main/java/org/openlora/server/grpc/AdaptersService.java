package org.openlora.server.grpc;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.AdapterEvent;
import org.openlora.api.v1.AdaptersGrpc;
import org.openlora.api.v1.DeleteAdapterRequest;
import org.openlora.api.v1.DeleteAdapterResponse;
import org.openlora.api.v1.GetAdapterRequest;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.LoadAdapterRequest;
import org.openlora.api.v1.PinAdapterRequest;
import org.openlora.api.v1.RegisterAdapterRequest;
import org.openlora.api.v1.RegisterAdapterResponse;
import org.openlora.api.v1.TransferProgress;
import org.openlora.api.v1.UnloadAdapterRequest;
import org.openlora.api.v1.UnpinAdapterRequest;
import org.openlora.api.v1.WatchAdaptersRequest;
import org.openlora.server.adapters.AdapterChange;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.adapters.AdapterStatus;
import org.openlora.server.config.ServerConfig.Tenant;

/// `openlora.v1.Adapters`: the desk, behind the tenant's key.
///
/// Calls that wait for a download or for room hold a virtual thread and a permit; watches hold permits of their own, for
/// they never end by themselves.
final class AdaptersService extends AdaptersGrpc.AdaptersImplBase implements AutoCloseable {
    private static final Duration LONGEST = Duration.ofHours(1);
    private static final int MOST_WATCHES = 64;

    private final AdapterDesk desk;
    private final CallLimiter limiter;
    private final CallLimiter watchLimiter = new CallLimiter(MOST_WATCHES);
    private final Set<UnsentEvents<AdapterChange>> watches = ConcurrentHashMap.newKeySet();
    private final int maxBufferedEvents;
    private final InstantSource clock;

    /// @param maxBufferedEvents events of one watch that may wait for its client
    AdaptersService(AdapterDesk desk, CallLimiter limiter, int maxBufferedEvents, InstantSource clock) {
        this.desk = desk;
        this.limiter = limiter;
        this.maxBufferedEvents = maxBufferedEvents;
        this.clock = clock;
    }

    @Override
    public void registerAdapter(
            RegisterAdapterRequest request, StreamObserver<RegisterAdapterResponse> responses) {
        Tenant tenant = TenantInterceptor.current();
        ServerCallStreamObserver<RegisterAdapterResponse> call =
                (ServerCallStreamObserver<RegisterAdapterResponse>) responses;
        // Only the last message matters to a client that went away, and there is nobody to send it to.
        call.setOnCancelHandler(() -> {});
        limiter.answer(call, () -> {
            AdapterStatus registered = desk.register(
                    tenant,
                    request.getName(),
                    request.getOrigin(),
                    AdapterMessages.expectedDigest(request),
                    deadline(),
                    bytes -> progress(call, bytes));
            return RegisterAdapterResponse.newBuilder()
                    .setAdapter(AdapterMessages.adapter(registered))
                    .build();
        });
    }

    /// Progress that a slow client has no room for is left out: the next says more.
    private static void progress(ServerCallStreamObserver<RegisterAdapterResponse> call, long bytes) {
        if (call.isReady()) {
            call.onNext(RegisterAdapterResponse.newBuilder()
                    .setProgress(TransferProgress.newBuilder().setDoneBytes(bytes))
                    .build());
        }
    }

    @Override
    public void listAdapters(ListAdaptersRequest request, StreamObserver<ListAdaptersResponse> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(response, () -> AdapterMessages.list(desk.list(tenant, AdapterMessages.page(request))));
    }

    @Override
    public void getAdapter(GetAdapterRequest request, StreamObserver<Adapter> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(response, () -> AdapterMessages.adapter(desk.get(tenant, request.getName())));
    }

    @Override
    public void loadAdapter(LoadAdapterRequest request, StreamObserver<Adapter> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(
                response, () -> AdapterMessages.adapter(desk.load(tenant, request.getName(), deadline())));
    }

    @Override
    public void pinAdapter(PinAdapterRequest request, StreamObserver<Adapter> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(
                response,
                () -> AdapterMessages.adapter(
                        desk.pin(tenant, request.getName(), AdapterMessages.tier(request), deadline())));
    }

    @Override
    public void unpinAdapter(UnpinAdapterRequest request, StreamObserver<Adapter> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(response, () -> AdapterMessages.adapter(desk.unpin(tenant, request.getName())));
    }

    @Override
    public void unloadAdapter(UnloadAdapterRequest request, StreamObserver<Adapter> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(
                response,
                () -> AdapterMessages.adapter(
                        desk.unload(tenant, request.getName(), request.getWait(), deadline())));
    }

    @Override
    public void deleteAdapter(DeleteAdapterRequest request, StreamObserver<DeleteAdapterResponse> response) {
        Tenant tenant = TenantInterceptor.current();
        limiter.answer(response, () -> {
            desk.delete(tenant, request.getName());
            return DeleteAdapterResponse.getDefaultInstance();
        });
    }

    @Override
    public void watchAdapters(WatchAdaptersRequest request, StreamObserver<AdapterEvent> responses) {
        Tenant tenant = TenantInterceptor.current();
        ServerCallStreamObserver<AdapterEvent> call = (ServerCallStreamObserver<AdapterEvent>) responses;
        UnsentEvents<AdapterChange> unsent = new UnsentEvents<>(maxBufferedEvents, _ -> false, call::isReady);
        call.setOnReadyHandler(unsent::wake);
        call.setOnCancelHandler(unsent::cancel);
        try {
            watchLimiter.run(() -> watch(tenant, call, unsent));
        } catch (StatusException e) {
            responses.onError(e);
        }
    }

    private void watch(
            Tenant tenant, ServerCallStreamObserver<AdapterEvent> call, UnsentEvents<AdapterChange> unsent) {
        watches.add(unsent);
        try (AdapterDesk.Watch _ = desk.watch(tenant, unsent::accept)) {
            long sequence = 1;
            call.onNext(AdapterMessages.begun(sequence, clock.instant()));
            boolean open = true;
            while (open) {
                switch (unsent.next()) {
                    case UnsentEvents.Turn.Send<AdapterChange>(var changes, boolean _) -> {
                        for (AdapterChange change : changes) {
                            call.onNext(AdapterMessages.event(++sequence, change));
                        }
                    }
                    case UnsentEvents.Turn.GiveUp<AdapterChange>() -> {
                        fail(
                                call,
                                Status.RESOURCE_EXHAUSTED.withDescription(
                                        "the watch was not read: %d of its events waited, no more may"
                                                .formatted(maxBufferedEvents)));
                        open = false;
                    }
                    case UnsentEvents.Turn.Stop<AdapterChange>() -> {
                        fail(call, Status.UNAVAILABLE.withDescription("the server is shutting down"));
                        open = false;
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            fail(call, Status.UNAVAILABLE.withDescription("the server is shutting down"));
        } catch (RuntimeException e) {
            fail(call, Statuses.of(e));
        } finally {
            watches.remove(unsent);
        }
    }

    private static void fail(ServerCallStreamObserver<?> call, Status status) {
        if (!call.isCancelled()) {
            call.onError(status.asException());
        }
    }

    private Instant deadline() {
        Instant longest = clock.instant().plus(LONGEST);
        return CallDeadline.current(clock)
                .filter(deadline -> deadline.isBefore(longest))
                .orElse(longest);
    }

    /// Ends the watches.
    void drain() {
        watches.forEach(UnsentEvents::cancel);
    }

    @Override
    public void close() {
        watchLimiter.close();
    }
}
