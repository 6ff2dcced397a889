package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.linecorp.armeria.client.WebClient;
import com.linecorp.armeria.client.grpc.GrpcClients;
import com.linecorp.armeria.common.HttpHeaderNames;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.api.v1.Adapter;
import org.openlora.api.v1.AdapterEvent;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.AdaptersGrpc;
import org.openlora.api.v1.DeleteAdapterRequest;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.GetAdapterRequest;
import org.openlora.api.v1.InferenceGrpc;
import org.openlora.api.v1.ListAdaptersRequest;
import org.openlora.api.v1.ListAdaptersResponse;
import org.openlora.api.v1.LoadAdapterRequest;
import org.openlora.api.v1.PinAdapterRequest;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.RegisterAdapterRequest;
import org.openlora.api.v1.RegisterAdapterResponse;
import org.openlora.api.v1.SamplingParams;
import org.openlora.api.v1.TokenIds;
import org.openlora.api.v1.UnloadAdapterRequest;
import org.openlora.api.v1.UnpinAdapterRequest;
import org.openlora.api.v1.WatchAdaptersRequest;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.listener.OpenLoraServer;
import org.openlora.server.metrics.ServerMetrics;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.receipts.ReceiptDesk;

/// The lives of adapters through a whole server: the bundled model with room for two adapters in the slots.
///
/// Tests use names and contents of their own, so that they may share the server.
class AdapterLifecycleTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final Path EXAMPLES = ROOT.resolve("examples/adapters").toAbsolutePath();
    private static final String PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    private static final Tenant ADMIN = new Tenant("admin", "admin-0123456789", PAYER, "", true);
    private static final Tenant ACME = new Tenant("acme", "acme-0123456789a", PAYER);
    private static final Tenant OTHER = new Tenant("other", "other-0123456789", PAYER);
    private static final int MANY = 3000;

    @TempDir
    static Path home;

    private static @Nullable Running started;

    private record Running(ServingStack stack, OpenLoraServer server) {}

    @BeforeAll
    static void start() throws IOException {
        Path root = Files.createDirectories(home.resolve("root"));
        try (Stream<Path> examples = Files.list(EXAMPLES)) {
            for (Path example : examples.toList()) {
                copy(example, root.resolve(example.getFileName().toString()));
            }
        }
        linkMany(root);
        Path settings = Files.writeString(home.resolve("settings.yaml"), """
                adapters:
                  deviceSlots: 2
                  origins:
                    allowed: ["file://%s"]
                engine:
                  warmUpSeconds: 0
                """.formatted(EXAMPLES));
        Installation installation = new Installation(ROOT, home);
        ServerConfig config = ConfigLoader.load(installation, settings)
                .withPort(0)
                .withAdapterRoot(root.toString())
                .withTenants(List.of(ADMIN, ACME, OTHER));
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                null,
                ROOT.resolve("examples/datanets"),
                "");
        ServingStack stack = ServingStack.open(config, installation, model, Map.of());
        ServerMetrics metrics = new ServerMetrics("openlora-tiny", InstantSource.system(), System::nanoTime);
        stack.countedBy(metrics);
        OpenLoraServer server = OpenLoraServer.start(
                config,
                stack,
                stack.desk(),
                new ReceiptDesk(LedgerView.of(stack.meter()), stack.operator(), Optional::empty),
                metrics);
        started = new Running(stack, server);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName().toString()));
            }
        }
    }

    /// Folders of one adapter, as small as one can be, whose files are links.
    private static void linkMany(Path root) throws IOException {
        Path tiny = Files.createDirectories(home.resolve("tiny"));
        TinyAdapter.write(tiny);
        for (int i = 0; i < MANY; i++) {
            Path folder = Files.createDirectory(root.resolve("many-%05d".formatted(i)));
            for (String file : TinyAdapter.FILES) {
                Files.createLink(folder.resolve(file), tiny.resolve(file));
            }
        }
    }

    @AfterAll
    static void stop() {
        running().server().close();
        running().stack().close();
    }

    private static Running running() {
        return Objects.requireNonNull(started);
    }

    @Test
    void lifecycle_registeredAdapter_answersAndIsGoneWhenDeleted() {
        var adapters = adapters(ACME);
        List<RegisterAdapterResponse> steps = all(adapters.registerAdapter(register("cycle", "harbour-keeper")));
        Adapter registered = steps.getLast().getAdapter();
        assertThat(steps.getFirst().getProgress().getDoneBytes()).isPositive();
        assertThat(registered.getShared()).isFalse();
        assertThat(registered.getOrigin()).endsWith("/harbour-keeper");
        assertThat(registered.getDigest()).isEqualTo(get(ADMIN, "harbour-keeper").getDigest());

        assertThat(text(generate(ACME, "cycle", 8))).isEqualTo(text(generate(ACME, "harbour-keeper", 8)));
        assertThat(get(ACME, "cycle").getTier()).isIn(Adapter.Tier.TIER_HOST, Adapter.Tier.TIER_DEVICE);

        Adapter changed = last(adapters.registerAdapter(register("cycle", "moon-gardener")));
        assertThat(changed.getVersion()).isEqualTo(2);
        assertThat(changed.getDigest()).isNotEqualTo(registered.getDigest());
        assertThat(text(generate(ACME, "cycle", 8))).isEqualTo(text(generate(ACME, "moon-gardener", 8)));

        var _ = adapters.deleteAdapter(DeleteAdapterRequest.newBuilder().setName("cycle").build());
        assertStatus(() -> get(ACME, "cycle"), Status.Code.NOT_FOUND);
        assertStatus(() -> generate(ACME, "cycle", 8), Status.Code.NOT_FOUND);
    }

    @Test
    void register_originsThatAreRefused_changeNothing() {
        var adapters = adapters(ACME);

        assertStatus(() -> last(adapters.registerAdapter(request("bad", "/etc"))), Status.Code.INVALID_ARGUMENT);
        assertStatus(() -> last(adapters.registerAdapter(request("bad", "s3://bucket/x"))), Status.Code.PERMISSION_DENIED);
        assertStatus(
                () -> last(adapters.registerAdapter(register("harbour-keeper", "moon-gardener"))),
                Status.Code.ALREADY_EXISTS);
        assertStatus(() -> get(ACME, "bad"), Status.Code.NOT_FOUND);
    }

    @Test
    void names_ofATenant_areItsAlone() {
        var _ = last(adapters(ACME).registerAdapter(register("secret", "village-baker")));

        assertStatus(() -> get(OTHER, "secret"), Status.Code.NOT_FOUND);
        assertStatus(() -> generate(OTHER, "secret", 4), Status.Code.NOT_FOUND);
        assertStatus(
                () -> adapters(OTHER)
                        .deleteAdapter(DeleteAdapterRequest.newBuilder()
                                .setName("secret")
                                .build()),
                Status.Code.NOT_FOUND);
        assertThat(names(OTHER)).contains("village-baker").doesNotContain("secret");
        assertThat(names(ACME)).contains("village-baker", "secret");
    }

    @Test
    void folders_ofEverybody_areAnAdministratorsToMoveAndNobodysToDelete() {
        LoadAdapterRequest load =
                LoadAdapterRequest.newBuilder().setName("stargazer").build();

        assertStatus(() -> adapters(ACME).loadAdapter(load), Status.Code.PERMISSION_DENIED);
        assertThat(adapters(ADMIN).loadAdapter(load).getTier())
                .isIn(Adapter.Tier.TIER_HOST, Adapter.Tier.TIER_DEVICE);
        assertStatus(
                () -> adapters(ADMIN)
                        .deleteAdapter(DeleteAdapterRequest.newBuilder()
                                .setName("stargazer")
                                .build()),
                Status.Code.FAILED_PRECONDITION);
    }

    @Test
    void unload_whileARequestRuns_letsItFinishAndFreesItsMemory() {
        UnloadAdapterRequest unload = UnloadAdapterRequest.newBuilder()
                .setName("moon-gardener")
                .setWait(true)
                .build();
        var _ = adapters(ADMIN).unloadAdapter(unload);
        long before = running().stack().adapterStats().hostUsedBytes();
        Iterator<GenerateResponse> events = inference(ADMIN).generate(call("moon-gardener", 200));
        assertThat(events.next().hasStarted()).isTrue();

        // Answers when the request has finished, at the latest; the request does not notice.
        Adapter gone = adapters(ADMIN).unloadAdapter(unload);

        assertThat(gone.getTier()).isEqualTo(Adapter.Tier.TIER_DISK);
        assertThat(gone.getLeases()).isZero();
        assertThat(all(events).getLast().getFinished().getUsage().getGeneratedTokens())
                .isEqualTo(200);
        assertThat(running().stack().adapterStats().hostUsedBytes()).isEqualTo(before);
        assertThat(text(generate(ADMIN, "moon-gardener", 4)))
                .as("it is loaded again")
                .isNotEmpty();
    }

    @Test
    void pin_underPressure_holdsUntilItIsUndone() {
        var admin = adapters(ADMIN);
        PinAdapterRequest pin = PinAdapterRequest.newBuilder()
                .setName("village-baker")
                .setTier(Adapter.Tier.TIER_DEVICE)
                .build();
        Adapter pinned = admin.pinAdapter(pin);
        assertThat(pinned.getPinned()).isTrue();
        assertThat(pinned.getTier()).isEqualTo(Adapter.Tier.TIER_DEVICE);

        for (String name : List.of("harbour-keeper", "stargazer", "moon-gardener", "harbour-keeper")) {
            assertThat(text(generate(ADMIN, name, 2))).isNotNull();
        }
        assertThat(get(ADMIN, "village-baker").getTier()).isEqualTo(Adapter.Tier.TIER_DEVICE);
        UnloadAdapterRequest unload = UnloadAdapterRequest.newBuilder()
                .setName("village-baker")
                .setWait(true)
                .build();
        assertStatus(() -> admin.unloadAdapter(unload), Status.Code.FAILED_PRECONDITION);

        Adapter unpinned = admin.unpinAdapter(
                UnpinAdapterRequest.newBuilder().setName("village-baker").build());
        assertThat(unpinned.getPinned()).isFalse();
        assertThat(admin.unloadAdapter(unload).getTier()).isEqualTo(Adapter.Tier.TIER_DISK);
    }

    @Test
    void watch_tellsATenantOfItsNamesInOrder() {
        var acme = adapters(ACME);
        try (Context.CancellableContext context = Context.current().withCancellation()) {
            context.run(() -> {
                Iterator<AdapterEvent> events = acme.watchAdapters(WatchAdaptersRequest.getDefaultInstance());
                assertThat(events.next().getKind()).isEqualTo(AdapterEvent.Kind.KIND_BEGUN);
                var _ = last(adapters(OTHER).registerAdapter(register("not-told", "stargazer")));
                var _ = last(acme.registerAdapter(register("told", "stargazer")));
                var _ = acme.pinAdapter(
                        PinAdapterRequest.newBuilder().setName("told").build());
                var _ = acme.unpinAdapter(
                        UnpinAdapterRequest.newBuilder().setName("told").build());
                var _ = acme.unloadAdapter(UnloadAdapterRequest.newBuilder()
                        .setName("told")
                        .setWait(true)
                        .build());
                var _ = acme.deleteAdapter(
                        DeleteAdapterRequest.newBuilder().setName("told").build());

                List<String> told = new ArrayList<>();
                while (told.isEmpty() || !told.getLast().equals("DELETED")) {
                    AdapterEvent event = events.next();
                    assertThat(event.getName()).isNotEqualTo("not-told");
                    if (event.getName().equals("told")) {
                        told.add(event.getKind().name().replace("KIND_", ""));
                    }
                }
                assertThat(told).containsSubsequence("REGISTERED", "PINNED", "UNPINNED", "EVICTED", "DELETED");
            });
        }
    }

    @Test
    void list_threeThousandNames_areEachOnOnePage() {
        List<Adapter> many = list(OTHER, "many-");

        assertThat(many).extracting(Adapter::getName).hasSize(MANY).isSorted().doesNotHaveDuplicates();
        assertThat(many).extracting(Adapter::getState).containsOnly(Adapter.State.STATE_READY);
        assertThat(many).extracting(Adapter::getRank).containsOnly(1);
        assertThat(list(OTHER, "")).hasSizeGreaterThan(MANY);
    }

    @Test
    void metrics_ofTheCache_moveAndVanish() {
        assertThat(text(generate(ADMIN, "harbour-keeper", 4))).isNotEmpty();
        String loaded = "vllm:lora_adapter_loaded{adapter_name=\"harbour-keeper\"";
        Map<String, Double> before = scrape();
        assertThat(before.keySet()).anyMatch(series -> series.startsWith(loaded));
        assertThat(before.keySet())
                .anyMatch(series -> series.equals(
                        "vllm:lora_requests_info{max_lora=\"2\",running_lora_adapters=\"\",waiting_lora_adapters=\"\"}"));
        assertThat(before.keySet())
                .anyMatch(series -> series.startsWith("vllm:lora_adapter_load_seconds_bucket"))
                .anyMatch(series -> series.startsWith("vllm:time_to_first_token_seconds_bucket"));
        for (String tier : List.of("disk", "host", "device")) {
            assertThat(before).containsKey(cache("openlora_adapter_tier_capacity_bytes", tier));
            assertThat(before).containsKey(cache("openlora_adapter_evictions_total", tier));
        }
        assertThat(before.get(cache("openlora_adapter_tier_used_bytes", "host"))).isPositive();

        assertThat(text(generate(ADMIN, "harbour-keeper", 4))).isNotEmpty();
        Map<String, Double> after = scrape();
        String hits = "openlora_adapter_cache_hits_total{engine=\"0\",model_name=\"openlora-tiny\"}";
        assertThat(after.get(hits)).isGreaterThan(before.getOrDefault(hits, Double.MAX_VALUE));

        var _ = adapters(ADMIN)
                .unloadAdapter(UnloadAdapterRequest.newBuilder()
                        .setName("harbour-keeper")
                        .setWait(true)
                        .build());
        assertThat(scrape().keySet()).noneMatch(series -> series.startsWith(loaded));
    }

    private static String cache(String name, String tier) {
        return name + "{engine=\"0\",model_name=\"openlora-tiny\",tier=\"" + tier + "\"}";
    }

    /// Values by series, of a text whose every line is a comment or a sample.
    private static Map<String, Double> scrape() {
        String text = WebClient.builder("http://" + running().server().address())
                .addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + ADMIN.apiKey())
                .build()
                .blocking()
                .get("/metrics")
                .contentUtf8();
        Map<String, Double> samples = new HashMap<>();
        for (String line : text.lines().filter(one -> !one.startsWith("#")).toList()) {
            int space = line.lastIndexOf(' ');
            assertThat(samples.put(line.substring(0, space), Double.parseDouble(line.substring(space + 1))))
                    .as(line)
                    .isNull();
        }
        return samples;
    }

    private static RegisterAdapterRequest register(String name, String example) {
        return request(name, "file://" + EXAMPLES.resolve(example));
    }

    private static RegisterAdapterRequest request(String name, String origin) {
        return RegisterAdapterRequest.newBuilder().setName(name).setOrigin(origin).build();
    }

    private static Adapter get(Tenant tenant, String name) {
        return adapters(tenant)
                .getAdapter(GetAdapterRequest.newBuilder().setName(name).build());
    }

    private static List<String> names(Tenant tenant) {
        return list(tenant, "").stream().map(Adapter::getName).toList();
    }

    /// All pages.
    private static List<Adapter> list(Tenant tenant, String prefix) {
        List<Adapter> all = new ArrayList<>();
        ListAdaptersRequest.Builder request =
                ListAdaptersRequest.newBuilder().setPageSize(700).setNamePrefix(prefix);
        ListAdaptersResponse page;
        do {
            page = adapters(tenant).listAdapters(request.build());
            all.addAll(page.getAdaptersList());
            request.setPageToken(page.getNextPageToken());
        } while (!page.getNextPageToken().isEmpty());
        return all;
    }

    private static List<GenerateResponse> generate(Tenant tenant, String adapter, int tokens) {
        return all(inference(tenant).generate(call(adapter, tokens)));
    }

    private static GenerateRequest call(String adapter, int tokens) {
        return GenerateRequest.newBuilder()
                .setPrompt(Prompt.newBuilder()
                        .setTokens(TokenIds.newBuilder().addIds(5).addIds(6).addIds(7)))
                .addAdapters(AdapterRef.newBuilder().setName(adapter).setScale(1))
                .setSampling(
                        SamplingParams.newBuilder().setMaxTokens(tokens).setIgnoreEos(true))
                .build();
    }

    private static String text(List<GenerateResponse> events) {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event.getDelta().getText()));
        return text.toString();
    }

    private static AdaptersGrpc.AdaptersBlockingStub adapters(Tenant tenant) {
        return GrpcClients.builder("gproto+http://" + running().server().address() + "/")
                .addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + tenant.apiKey())
                .responseTimeoutMillis(TimeUnit.MINUTES.toMillis(2))
                .build(AdaptersGrpc.AdaptersBlockingStub.class);
    }

    private static InferenceGrpc.InferenceBlockingStub inference(Tenant tenant) {
        return GrpcClients.builder("gproto+http://" + running().server().address() + "/")
                .addHeader(HttpHeaderNames.AUTHORIZATION, "Bearer " + tenant.apiKey())
                .responseTimeoutMillis(TimeUnit.MINUTES.toMillis(2))
                .build(InferenceGrpc.InferenceBlockingStub.class);
    }

    private static Adapter last(Iterator<RegisterAdapterResponse> steps) {
        return all(steps).getLast().getAdapter();
    }

    private static <T> List<T> all(Iterator<T> events) {
        List<T> all = new ArrayList<>();
        events.forEachRemaining(all::add);
        return all;
    }

    private static void assertStatus(Runnable call, Status.Code code) {
        assertThatThrownBy(call::run)
                .asInstanceOf(InstanceOfAssertFactories.type(StatusRuntimeException.class))
                .satisfies(e -> assertThat(e.getStatus().getCode())
                        .as(String.valueOf(e.getStatus().getDescription()))
                        .isEqualTo(code));
    }
}
