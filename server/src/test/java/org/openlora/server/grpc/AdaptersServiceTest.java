package org.openlora.server.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.grpc.GrpcService;
import io.grpc.Context;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.AdapterEvent;
import org.openlora.api.v1.AdaptersGrpc;
import org.openlora.api.v1.DeleteAdapterRequest;
import org.openlora.api.v1.GetAdapterRequest;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.LoadAdapterRequest;
import org.openlora.api.v1.PinAdapterRequest;
import org.openlora.api.v1.RegisterAdapterRequest;
import org.openlora.api.v1.RegisterAdapterResponse;
import org.openlora.api.v1.UnloadAdapterRequest;
import org.openlora.api.v1.UnpinAdapterRequest;
import org.openlora.api.v1.WatchAdaptersRequest;
import org.openlora.server.adapters.AdapterChange;
import org.openlora.server.adapters.FakeDesk;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;

/// The service over real connections, in front of a desk that is all in memory.
class AdaptersServiceTest {
    private static final String ADMIN_KEY = "0123456789abcdef";
    private static final String TENANT_KEY = "fedcba9876543210";
    private static final String PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    private static final int MAX_BUFFERED_EVENTS = 16;

    private final FakeDesk desk =
            new FakeDesk().with("shared", Digest.sha256(new byte[] {1})).withBroken("broken", "r is 0");
    private final CallLimiter limiter = new CallLimiter(8);
    private final AdaptersService service =
            new AdaptersService(desk, limiter, MAX_BUFFERED_EVENTS, InstantSource.system());
    private final Server server = start();

    private Server start() {
        ServerConfig config = ConfigLoader.load(
                        new Installation(Path.of(System.getProperty("openlora.root")), Path.of("no-home")), null)
                .withTenants(List.of(
                        new Tenant("admin", ADMIN_KEY, PAYER, "", true), new Tenant("acme", TENANT_KEY, PAYER)));
        Server starting = Server.builder()
                .http(0)
                .service(GrpcService.builder()
                        .addService(ServerInterceptors.intercept(service, new TenantInterceptor(config)))
                        .build())
                .build();
        starting.start().join();
        return starting;
    }

    @AfterEach
    void stop() {
        service.drain();
        server.stop().join();
        service.close();
        limiter.close();
    }

    private AdaptersGrpc.AdaptersBlockingStub adapters(String key) {
        return GrpcClients.builder("gproto+http://127.0.0.1:%d/".formatted(server.activeLocalPort()))
                .addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + key)
                .build(AdaptersGrpc.AdaptersBlockingStub.class);
    }

    @Test
    void lifecycle_oneAdapter_goesThroughAllStates() {
        AdaptersGrpc.AdaptersBlockingStub adapters = adapters(TENANT_KEY);
        Digest digest = Digest.sha256("hf://owner/name".getBytes(StandardCharsets.UTF_8));

        List<RegisterAdapterResponse> steps = all(adapters.registerAdapter(RegisterAdapterRequest.newBuilder()
                .setName("mine")
                .setOrigin("hf://owner/name")
                .setExpectedDigest(digest.toString())
                .build()));
        assertThat(steps.getFirst().getProgress().getDoneBytes()).isEqualTo(2048);
        Adapter registered = steps.getLast().getAdapter();
        assertThat(registered.getDigest()).isEqualTo(digest.toString());
        assertThat(registered.getShared()).isFalse();
        assertThat(registered.getVersion()).isEqualTo(1);
        assertThat(registered.getTier()).isEqualTo(Adapter.Tier.TIER_DISK);

        assertThat(adapters.loadAdapter(LoadAdapterRequest.newBuilder().setName("mine").build()).getTier())
                .isEqualTo(Adapter.Tier.TIER_DEVICE);
        Adapter pinned = adapters.pinAdapter(PinAdapterRequest.newBuilder().setName("mine").build());
        assertThat(pinned.getPinned()).isTrue();
        assertThat(pinned.getTier()).isEqualTo(Adapter.Tier.TIER_HOST);
        UnloadAdapterRequest unload =
                UnloadAdapterRequest.newBuilder().setName("mine").build();
        assertStatus(() -> adapters.unloadAdapter(unload), Status.Code.FAILED_PRECONDITION, "unpin it first");
        assertThat(adapters.unpinAdapter(UnpinAdapterRequest.newBuilder().setName("mine").build())
                        .getPinned())
                .isFalse();
        assertThat(adapters.unloadAdapter(unload).getTier()).isEqualTo(Adapter.Tier.TIER_DISK);
        var _ = adapters.deleteAdapter(DeleteAdapterRequest.newBuilder().setName("mine").build());
        assertStatus(
                () -> adapters.getAdapter(GetAdapterRequest.newBuilder().setName("mine").build()),
                Status.Code.NOT_FOUND,
                "mine");
    }

    @Test
    void register_digestThatIsNone_isInvalidArgumentNamingTheField() {
        assertStatus(
                () -> all(adapters(TENANT_KEY).registerAdapter(RegisterAdapterRequest.newBuilder()
                        .setName("mine")
                        .setOrigin("hf://owner/name")
                        .setExpectedDigest("sha256:short")
                        .build())),
                Status.Code.INVALID_ARGUMENT,
                "expected_digest");
    }

    @Test
    void register_otherDigest_isFailedPreconditionAndNothingIsRegistered() {
        AdaptersGrpc.AdaptersBlockingStub adapters = adapters(TENANT_KEY);

        assertStatus(
                () -> all(adapters.registerAdapter(RegisterAdapterRequest.newBuilder()
                        .setName("mine")
                        .setOrigin("hf://owner/name")
                        .setExpectedDigest(Digest.ZERO.toString())
                        .build())),
                Status.Code.FAILED_PRECONDITION,
                Digest.ZERO.toString());
        assertThat(adapters.listAdapters(ListAdaptersRequest.newBuilder().setNamePrefix("mine").build())
                        .getAdaptersList())
                .isEmpty();
    }

    @Test
    void sharedAdapter_tenantThatIsNoAdministrator_isPermissionDenied() {
        LoadAdapterRequest load = LoadAdapterRequest.newBuilder().setName("shared").build();

        assertStatus(() -> adapters(TENANT_KEY).loadAdapter(load), Status.Code.PERMISSION_DENIED, "everybody");
        assertThat(adapters(ADMIN_KEY).loadAdapter(load).getTier()).isEqualTo(Adapter.Tier.TIER_DEVICE);
    }

    @Test
    void everyCall_unknownKey_isUnauthenticated() {
        assertStatus(
                () -> adapters("0000000000000000").listAdapters(ListAdaptersRequest.getDefaultInstance()),
                Status.Code.UNAUTHENTICATED,
                "API key");
    }

    @Test
    void list_pages_holdEveryAdapterOnceAndInOrder() {
        for (int i = 0; i < 250; i++) {
            desk.with("many-%04d".formatted(i), Digest.sha256(new byte[] {(byte) i, (byte) (i >> 8)}));
        }
        AdaptersGrpc.AdaptersBlockingStub adapters = adapters(TENANT_KEY);
        List<String> names = new ArrayList<>();
        ListAdaptersRequest.Builder request = ListAdaptersRequest.newBuilder().setNamePrefix("many-");
        int pages = 0;
        ListAdaptersResponse page;
        do {
            page = adapters.listAdapters(request.build());
            page.getAdaptersList().forEach(adapter -> names.add(adapter.getName()));
            request.setPageToken(page.getNextPageToken());
            pages++;
        } while (!page.getNextPageToken().isEmpty());

        assertThat(pages).isEqualTo(3);
        assertThat(names).hasSize(250).isSorted().doesNotHaveDuplicates();
    }

    @Test
    void list_brokenOne_saysWhy() {
        Adapter broken = adapters(TENANT_KEY)
                .listAdapters(ListAdaptersRequest.getDefaultInstance())
                .getAdapters(0);

        assertThat(broken.getName()).isEqualTo("broken");
        assertThat(broken.getState()).isEqualTo(Adapter.State.STATE_FAILED);
        assertThat(broken.getProblem()).isEqualTo("r is 0");
        assertThat(broken.hasDigest()).isFalse();
    }

    @Test
    void list_pageSizeBeyondBounds_isInvalidArgument() {
        assertStatus(
                () -> adapters(TENANT_KEY)
                        .listAdapters(ListAdaptersRequest.newBuilder()
                                .setPageSize(1001)
                                .build()),
                Status.Code.INVALID_ARGUMENT,
                "page_size is 1001");
    }

    @Test
    void watch_tellsOfChangesInOrder() {
        AdaptersGrpc.AdaptersBlockingStub adapters = adapters(ADMIN_KEY);
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            context.run(() -> {
                Iterator<AdapterEvent> events = adapters.watchAdapters(WatchAdaptersRequest.getDefaultInstance());
                assertThat(events.next().getKind()).isEqualTo(AdapterEvent.Kind.KIND_BEGUN);
                var _ = adapters.loadAdapter(
                        LoadAdapterRequest.newBuilder().setName("shared").build());
                var _ = adapters.pinAdapter(
                        PinAdapterRequest.newBuilder().setName("shared").build());
                var _ = adapters.unpinAdapter(
                        UnpinAdapterRequest.newBuilder().setName("shared").build());

                List<AdapterEvent> told = List.of(events.next(), events.next(), events.next());
                assertThat(told).extracting(AdapterEvent::getSequence).containsExactly(2L, 3L, 4L);
                assertThat(told).extracting(AdapterEvent::getName).containsOnly("shared");
                assertThat(told)
                        .extracting(AdapterEvent::getKind)
                        .containsExactly(
                                AdapterEvent.Kind.KIND_LOADED,
                                AdapterEvent.Kind.KIND_PINNED,
                                AdapterEvent.Kind.KIND_UNPINNED);
            });
        }
    }

    @Test
    void watch_serverShutsDown_ends() {
        Iterator<AdapterEvent> events = adapters(ADMIN_KEY).watchAdapters(WatchAdaptersRequest.getDefaultInstance());
        assertThat(events.next().getKind()).isEqualTo(AdapterEvent.Kind.KIND_BEGUN);

        service.drain();

        assertStatus(events::next, Status.Code.UNAVAILABLE, "shutting down");
    }

    @Test
    void watch_everyKind_hasAName() {
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            context.run(() -> {
                Iterator<AdapterEvent> events =
                        adapters(ADMIN_KEY).watchAdapters(WatchAdaptersRequest.getDefaultInstance());
                assertThat(events.next().getKind()).isEqualTo(AdapterEvent.Kind.KIND_BEGUN);
                for (AdapterChange.Kind kind : AdapterChange.Kind.values()) {
                    desk.tell(kind, "shared");
                    assertThat(events.next().getKind().name()).isEqualTo("KIND_" + kind);
                }
            });
        }
    }

    private static <T> List<T> all(Iterator<T> steps) {
        List<T> all = new ArrayList<>();
        steps.forEachRemaining(all::add);
        return all;
    }

    private static void assertStatus(Runnable call, Status.Code code, String description) {
        assertThatThrownBy(call::run)
                .asInstanceOf(InstanceOfAssertFactories.type(StatusRuntimeException.class))
                .satisfies(e -> {
                    assertThat(e.getStatus().getCode()).isEqualTo(code);
                    assertThat(e.getStatus().getDescription()).contains(description);
                });
    }
}
