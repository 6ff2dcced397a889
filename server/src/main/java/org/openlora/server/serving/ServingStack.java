package org.openlora.server.serving;

import java.io.IOException;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.adapters.host.ResidencyEvent;
import org.openlora.adapters.host.ResidencyStats;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.registry.AdapterEntry;
import org.openlora.adapters.registry.AdapterRegistry;
import org.openlora.adapters.registry.AdapterVersion;
import org.openlora.adapters.registry.RegistryException;
import org.openlora.adapters.registry.RegistryOptions;
import org.openlora.adapters.registry.RegistryStats;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.engine.BaseModel;
import org.openlora.engine.BillTo;
import org.openlora.engine.EngineConfig;
import org.openlora.engine.EngineException;
import org.openlora.engine.EngineStats;
import org.openlora.engine.GenerationRequest;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.LoraEngine;
import org.openlora.engine.chat.ChatMessage;
import org.openlora.engine.chat.ChatTemplate;
import org.openlora.engine.model.WarmUp;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.engine.scheduler.SchedulerConfig;
import org.openlora.engine.tensor.GemmSettings;
import org.openlora.kernels.BackgroundThread;
import org.openlora.meter.DatanetOptions;
import org.openlora.meter.LedgerHealth;
import org.openlora.meter.Meter;
import org.openlora.meter.MeterOptions;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;
import org.openlora.meter.ledger.LedgerQueries;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.server.adapters.AdapterCache;
import org.openlora.server.adapters.AdapterDesk;
import org.openlora.server.adapters.CacheDesk;
import org.openlora.server.adapters.FetchedBytes;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.problem.Problem;
import org.openlora.server.retention.TraceEraser;
import org.openlora.server.retention.TraceTerms;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Everything that serves, put together: model, adapters, meter, engine. Closing it ends all of it, in reverse.
public final class ServingStack implements Serving, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(ServingStack.class);

    private final BaseModel model;
    private final AdapterStore store;
    private final AdapterRegistry registry;
    private final HostAdapterResidency residency;
    private final Meter meter;
    private final LoraEngine engine;
    private final Operator operator;
    private final ServedModel served;
    private final AdapterDesk desk;
    private final ClientRequests clientRequests;
    private final TraceEraser eraser;
    private final ProvisionalAttribution provisional = new ProvisionalAttribution();

    private ServingStack(
            BaseModel model,
            AdapterStore store,
            AdapterRegistry registry,
            HostAdapterResidency residency,
            Meter meter,
            LoraEngine engine,
            Operator operator,
            AdapterDesk desk,
            ServedModel served,
            TraceEraser eraser) {
        this.model = model;
        this.store = store;
        this.registry = registry;
        this.residency = residency;
        this.meter = meter;
        this.engine = engine;
        this.operator = operator;
        this.desk = desk;
        this.served = served;
        this.eraser = eraser;
        this.clientRequests = new ClientRequests(id -> inLedger(meter.queries(), id));
    }

    /// Loads the model, scans the adapters, opens the ledger and starts the engine.
    ///
    /// @param installation whose ledger and keys are used
    /// @throws Problem or another one-line exception, with everything closed again
    public static ServingStack open(
            ServerConfig config, Installation installation, ResolvedModel resolved, Map<String, String> environment) {
        return open(config, installation, resolved, environment, EngineParts.AS_THEY_ARE);
    }

    static ServingStack open(
            ServerConfig config,
            Installation installation,
            ResolvedModel resolved,
            Map<String, String> environment,
            EngineParts parts) {
        try (Opening opening = new Opening()) {
            BaseModel model = opening.add(openModel(resolved, config.engine()));
            String servedName = config.servedModelName().isEmpty() ? resolved.name() : config.servedModelName();
            Path adapterRoot = adapterRoot(config, installation, resolved);
            AdapterStore store =
                    opening.add(openStore(config.adapters(), installation.adapterStore(), model.adaptableModules()));
            AdapterRegistry registry = opening.add(openRegistry(
                    config.adapters(),
                    adapterRoot,
                    installation.adapterRegistry(),
                    model.adaptableModules(),
                    servedName,
                    store,
                    new FetchedBytes(AdapterFetching.fetcher(config.adapters(), environment))));
            HostAdapterResidency residency =
                    opening.add(new HostAdapterResidency(registry, limits(config.adapters()), InstantSource.system()));
            Operator operator = Operator.load(installation, config, environment);
            Bytes32 tokenizer = UsageRows.word(model.tokenizer().digest());
            Meter meter = opening.add(openMeter(config, installation, environment, resolved, model, operator, parts));
            Bytes32 numericPath = UsageRows.word(model.numericPath().digest());
            UsageRows usage = new UsageRows(
                    meter,
                    config.metering().replica(),
                    UsageRows.word(model.digest()),
                    tokenizer,
                    numericPath,
                    TraceTerms.of(
                            config.tenants(),
                            operator::account,
                            Duration.ofDays(config.metering().traceRetentionDays())));
            LoraEngine engine = opening.add(LoraEngine.start(
                    engineConfig(config, model),
                    parts.model(model.model()),
                    model.tokenizer()::newDetokenizer,
                    parts.residency(residency),
                    usage,
                    InstantSource.system()));
            residency.listen(event -> {
                if (event instanceof ResidencyEvent.Corrupt(Digest adapter)) {
                    engine.distrust(adapter);
                }
            });
            ServedModel served = new ServedModel(
                    servedName,
                    model.config().architecture().id(),
                    model.digest(),
                    model.tokenizer().digest(),
                    engine.longestSequence(),
                    numericPath.toString());
            TraceEraser eraser = opening.add(TraceEraser.start(meter.traces(), InstantSource.system()));
            opening.keep();
            AdapterDesk desk =
                    new CacheDesk(new AdapterCache(registry, residency, store), adapterRoot, InstantSource.system());
            return new ServingStack(model, store, registry, residency, meter, engine, operator, desk, served, eraser);
        }
    }

    private static BaseModel openModel(ResolvedModel resolved, ServerConfig.Engine sizes) {
        BaseModel model = loadModel(resolved, sizes);
        warmUp(model, sizes);
        return model;
    }

    static BaseModel loadModel(ResolvedModel resolved, ServerConfig.Engine sizes) {
        int threads = sizes.threads() == 0 ? Runtime.getRuntime().availableProcessors() : sizes.threads();
        chooseGemm(sizes);
        BaseModel model = BaseModel.open(
                resolved.path(),
                new BaseModel.Resources(
                        threads, KvCacheSize.bytes(sizes.kvCacheMebibytes()), sizes.maxNumBatchedTokens()));
        String actual = model.digest().toString();
        if (!resolved.baseDigest().isEmpty() && !resolved.baseDigest().equals(actual)) {
            model.close();
            throw new Problem(
                    "the model %s has base digest %s, the catalogue pins %s"
                            .formatted(resolved.name(), actual, resolved.baseDigest()),
                    "restore its files in %s".formatted(resolved.path()));
        }
        log.info(
                "model {} is loaded: base {}, {} on {} threads", resolved.name(), actual, model.numericPath(), threads);
        return model;
    }

    private static void warmUp(BaseModel model, ServerConfig.Engine sizes) {
        CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
        Duration limit = Duration.ofSeconds(sizes.warmUpSeconds());
        if (compiler == null || !compiler.isCompilationTimeMonitoringSupported() || limit.isZero()) {
            return;
        }
        WarmUp.Report report = WarmUp.run(
                model.model(), sizes.maxNumBatchedTokens(), limit, System::nanoTime, compiler::getTotalCompilationTime);
        log.info(
                "kernels are warm after {} steps: a step of one row takes {} ms, the first took {} ms",
                report.steps(),
                report.bestStep().toMillis(),
                report.firstStep().toMillis());
    }

    /// The engine takes these from the system's properties, which a launch with `-D` has set already.
    private static void chooseGemm(ServerConfig.Engine settings) {
        offer(GemmSettings.WEIGHTS_PROPERTY, settings.weights());
        if (!settings.gemm().equals("auto")) {
            offer(GemmSettings.MODE_PROPERTY, settings.gemm());
        }
        if (!settings.libtorchDir().isEmpty()) {
            offer(GemmSettings.DIRECTORY_PROPERTY, settings.libtorchDir());
        }
    }

    private static void offer(String property, String value) {
        if (System.getProperty(property, "").isEmpty()) {
            System.setProperty(property, value);
        }
    }

    private static EngineConfig engineConfig(ServerConfig config, BaseModel model) {
        ServerConfig.Engine sizes = config.engine();
        return new EngineConfig(
                new SchedulerConfig(
                        sizes.maxNumSeqs(),
                        sizes.maxNumBatchedTokens(),
                        // A bound beyond the step's own is none.
                        Math.min(sizes.maxPrefillTokensBesideDecode(), sizes.maxNumBatchedTokens()),
                        sizes.maxOvertakes(),
                        sizes.prefixCache()),
                config.server().maxConcurrentRequests(),
                sizes.maxAdaptersPerRequest(),
                Set.copyOf(model.config().eosTokenIds()),
                model.digest());
    }

    private static AdapterStore openStore(ServerConfig.Adapters settings, Path folder, BaseWeights base) {
        try {
            return AdapterStore.open(folder, settings.diskBytes(), fetched -> PeftAdapter.read(fetched, base)
                    .digest());
        } catch (AdapterException e) {
            throw new Problem(Problem.describe(e), "or make its disk usable", e);
        }
    }

    private static AdapterRegistry openRegistry(
            ServerConfig.Adapters settings,
            Path root,
            Path state,
            BaseWeights base,
            String servedName,
            AdapterStore store,
            AdapterFetcher fetcher) {
        RegistryOptions options = new RegistryOptions(
                root,
                state,
                base,
                Set.of(servedName),
                Runtime.getRuntime().availableProcessors(),
                Duration.ofSeconds(settings.rescanSeconds()),
                Duration.ofSeconds(settings.fetchLimitSeconds()),
                InstantSource.system());
        try {
            return AdapterRegistry.open(options, store, fetcher);
        } catch (RegistryException e) {
            throw new Problem(Problem.describe(e), "or set OPENLORA_HOME to another folder", e);
        }
    }

    static HostLimits limits(ServerConfig.Adapters adapters) {
        return new HostLimits(
                adapters.hostBytes(),
                adapters.deviceSlots(),
                adapters.deviceBytes(),
                adapters.unitBytes(),
                adapters.maxConcurrentLoads(),
                Duration.ofSeconds(adapters.failureMemorySeconds()),
                adapters.scrubBytesPerSecond());
    }

    static Path adapterRoot(ServerConfig config, Installation installation, ResolvedModel resolved) {
        if (!config.adapterRoot().isEmpty()) {
            Path root = installation.root().resolve(config.adapterRoot());
            if (!Files.isDirectory(root)) {
                throw new Problem(
                        "the adapter root %s is no folder".formatted(root),
                        "name a folder whose sub-folders hold an adapter_config.json");
            }
            return root;
        }
        return resolved.adapters() == null ? ownFolder(installation.ownAdapters()) : resolved.adapters();
    }

    private static Path ownFolder(Path folder) {
        try {
            return Files.createDirectories(folder);
        } catch (IOException e) {
            throw new Problem(
                    "the folder %s cannot be made: %s".formatted(folder, Problem.describe(e)),
                    "check OPENLORA_HOME",
                    e);
        }
    }

    private static Meter openMeter(
            ServerConfig config,
            Installation installation,
            Map<String, String> environment,
            ResolvedModel resolved,
            BaseModel model,
            Operator operator,
            EngineParts parts) {
        Path root = datanetRoot(config, installation, resolved);
        try {
            return Meter.open(new MeterOptions(
                    LedgerSettings.location(installation, config, environment),
                    operator.identity(),
                    DatanetOptions.of(installation.home(), registry -> registerDatanets(registry, root)),
                    Map.of(UsageRows.word(model.tokenizer().digest()), model.tokenizer()::encode),
                    PriceBookFile.read(config, installation),
                    Duration.ofSeconds(config.metering().inclusionWindowSeconds()),
                    Duration.ofSeconds(config.metering().commitPatienceSeconds()),
                    InstantSource.system(),
                    parts.ledgerObserver(),
                    ReceiptListener.NONE,
                    BackgroundThread.named("usage-scoring")));
        } catch (LedgerException e) {
            throw new Problem(Problem.describe(e), "or set OPENLORA_HOME to another folder", e);
        } catch (IllegalStateException e) {
            throw new Problem(Problem.describe(e), "name one in metering.priceBook that is in force", e);
        } catch (DocumentException | IOException e) {
            throw new Problem(Problem.describe(e), "correct the file", e);
        }
    }

    /// Null where neither the settings nor the catalogue name datanets: then those that were registered are served.
    private static @Nullable Path datanetRoot(ServerConfig config, Installation installation, ResolvedModel resolved) {
        String configured = config.metering().datanetRoot();
        return configured.isEmpty() ? resolved.datanets() : installation.root().resolve(configured);
    }

    private static void registerDatanets(DatanetRegistry registry, @Nullable Path root) {
        if (root == null) {
            return;
        }
        try {
            registry.registerAll(root, Progress.NONE);
        } catch (DocumentException | IOException e) {
            throw new Problem(
                    "the datanets in %s cannot be registered: %s".formatted(root, Problem.describe(e)),
                    "correct them",
                    e);
        }
    }

    @Override
    public ServedModel model() {
        return served;
    }

    /// The adapters that the tenant sees, by name.
    public List<ServedAdapter> adapters(Tenant tenant) {
        return registry.entries(tenant.name()).stream()
                .map(ServingStack::served)
                .toList();
    }

    private static ServedAdapter served(AdapterEntry entry) {
        return switch (entry) {
            case AdapterEntry.Ready(AdapterVersion version) ->
                new ServedAdapter.Ready(
                        version.name(),
                        version.digest(),
                        version.manifestDigest(),
                        version.largestRank(),
                        version.manifest() == null ? "" : version.manifest().description());
            case AdapterEntry.Failed failed ->
                new ServedAdapter.Failed(failed.name(), Problem.describe(failed.reason()));
        };
    }

    @Override
    public int[] tokenize(PromptInput prompt) {
        return switch (prompt) {
            case PromptInput.Text(String text) -> model.tokenizer().encode(text);
            case PromptInput.Tokens(List<Integer> ids) ->
                ids.stream().mapToInt(Integer::intValue).toArray();
            case PromptInput.Chat(List<PromptInput.Turn> turns) ->
                model.tokenizer().encode(render(turns));
        };
    }

    private String render(List<PromptInput.Turn> turns) {
        ChatTemplate template = model.chatTemplate()
                .orElseThrow(() -> new IllegalArgumentException(
                        "the model %s has no chat template: send text instead of messages".formatted(served.name())));
        return template.render(
                turns.stream()
                        .map(turn -> new ChatMessage(turn.role(), turn.content()))
                        .toList(),
                true);
    }

    /// Nothing is served that cannot be metered.
    @Override
    public Optional<String> refusal() {
        return switch (meter.health()) {
            case LedgerHealth.Writable _ -> Optional.empty();
            case LedgerHealth.Unwritable _ ->
                Optional.of("the ledger cannot be written, so nothing is served; try again later");
        };
    }

    @Override
    public void onRefusalChange(Runnable changed) {
        meter.watchHealth(_ -> changed.run());
    }

    @Override
    public Admission submit(GenerationCall call, GenerationSink sink) {
        refusal().ifPresent(reason -> {
            throw new EngineException(EngineException.Code.UNAVAILABLE, reason);
        });
        int[] prompt = tokenize(call.prompt());
        List<Chosen> chosen = resolve(call.tenant(), call.adapters());
        Bytes32 account = operator.account(call.tenant().name());
        String clientId = call.clientRequestId();
        Bytes32 id = clientId == null ? SecretFile.random() : RequestIds.of(account, clientId);
        String engineId = id.toString();
        GenerationRequest request = new GenerationRequest(
                engineId,
                prompt,
                chosen.stream().map(Chosen::selection).toList(),
                call.params(),
                call.deadline(),
                new BillTo(account, Address.parse(call.tenant().payer())),
                SecretFile.random(),
                call.choices(),
                call.priority(),
                CacheSalts.of(account, call.tenant().cacheGroup(), operator.salt(), call.cacheSalt()));
        GenerationSink followed = call.provisional() ? followed(chosen, prompt, call.choices(), sink) : sink;
        Admission admission = new Admission(
                clientId == null ? engineId : clientId,
                engineId,
                served.baseDigest(),
                chosen.stream().map(Chosen::resolved).toList(),
                prompt.length);
        if (clientId == null) {
            engine.submit(request, followed);
            return admission;
        }
        GenerationSink watched = clientRequests.claim(id, clientId, followed);
        try {
            engine.submit(request, watched);
        } catch (RuntimeException e) {
            clientRequests.release(id);
            throw e;
        }
        return admission;
    }

    /// Watches an answer where there is anything to find in it.
    private GenerationSink followed(List<Chosen> chosen, int[] prompt, int choices, GenerationSink sink) {
        List<AdapterUsage> adapters = chosen.stream()
                .map(one -> UsageRows.adapter(one.selection(), 0))
                .toList();
        if (adapters.stream().allMatch(adapter -> adapter.lineage().isEmpty())) {
            return sink;
        }
        Bytes32 tokenizer = UsageRows.word(model.tokenizer().digest());
        return provisional.watch(choices, () -> meter.provisionalEvidence(adapters, tokenizer, prompt), sink);
    }

    /// What became of the tokens whose attribution was asked for while their answers grew.
    public ProvisionalCounts provisionalCounts() {
        return provisional.counts();
    }

    private static boolean inLedger(LedgerQueries queries, Bytes32 id) {
        return !queries.receiptsOf(id).isEmpty()
                || queries.quarantined().stream()
                        .anyMatch(row -> row.requestId().equals(id));
    }

    /// An adapter of a call, with the version that its name stands for now.
    private record Chosen(AdapterChoice choice, AdapterVersion version) {
        AdapterSelection selection() {
            return new AdapterSelection(version.digest(), choice.scalePpm(), version.manifest());
        }

        Admission.ResolvedAdapter resolved() {
            return new Admission.ResolvedAdapter(
                    choice instanceof AdapterChoice.ByName byName ? byName.name() : null,
                    version.digest(),
                    version.manifestDigest(),
                    choice.scalePpm());
        }
    }

    private List<Chosen> resolve(Tenant tenant, List<AdapterChoice> choices) {
        List<Chosen> chosen = new ArrayList<>();
        for (AdapterChoice choice : choices) {
            chosen.add(new Chosen(
                    choice,
                    switch (choice) {
                        case AdapterChoice.ByName(String name, int _) -> registry.find(tenant.name(), name);
                        case AdapterChoice.ByDigest(Digest digest, int _) -> registry.find(tenant.name(), digest);
                    }));
        }
        chosen.sort(Comparator.comparing((Chosen one) -> one.version().digest()));
        return chosen;
    }

    @Override
    public void abort(Admission admission) {
        engine.abort(admission.engineId());
    }

    /// A moment of the engine: what runs, and the key/value blocks that are free.
    public EngineStats engineStats() {
        return engine.stats();
    }

    /// The desk at which tenants and administrators steer the adapters.
    public AdapterDesk desk() {
        return desk;
    }

    /// The adapter cache, to be counted.
    public AdapterCache adapterCache() {
        return new AdapterCache(registry, residency, store);
    }

    /// How many adapters there are, of all tenants.
    public RegistryStats registryStats() {
        return registry.stats();
    }

    /// A moment of the adapters: what is resident, and what requests hold.
    public ResidencyStats adapterStats() {
        return residency.stats();
    }

    public Meter meter() {
        return meter;
    }

    public Operator operator() {
        return operator;
    }

    public DatanetRegistry datanets() {
        return meter.datanets();
    }

    @Override
    public String decode(int... tokens) {
        return model.tokenizer().decode(tokens);
    }

    @Override
    public void close() {
        try (Opening closing = new Opening()) {
            closing.add(model);
            closing.add(store);
            closing.add(registry);
            closing.add(residency);
            closing.add(meter);
            closing.add(provisional);
            closing.add(engine);
            closing.add(eraser);
        }
    }
}
