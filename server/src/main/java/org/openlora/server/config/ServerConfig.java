package org.openlora.server.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.openlora.adapters.origin.AllowedOrigins;

/// Every setting of `config/openlora.yaml`, checked; the file says what each one means and why it is as it is.
///
/// @param server the listener
/// @param model catalogue name, folder or `.gguf` file
/// @param servedModelName what clients call the model; empty for its own name
/// @param adapterRoot folder of adapters; empty for those the catalogue model brings
/// @param generation defaults of requests
/// @param engine sizes of the engine
/// @param adapters sizes of the adapter cache
/// @param metering prices, datanets and promises
/// @param chain where receipts are anchored
/// @param tenants who may call; at least one
public record ServerConfig(
        @JsonProperty(required = true) Listener server,
        @JsonProperty(required = true) String model,
        @JsonProperty(required = true) String servedModelName,
        @JsonProperty(required = true) String adapterRoot,
        @JsonProperty(required = true) Generation generation,
        @JsonProperty(required = true) Engine engine,
        @JsonProperty(required = true) Adapters adapters,
        @JsonProperty(required = true) Metering metering,
        @JsonProperty(required = true) Chain chain,
        @JsonProperty(required = true) List<Tenant> tenants) {
    private static final Pattern SERVED_NAME = Pattern.compile("[!-~&&[^,]]{0,200}");

    public ServerConfig {
        require(!model.isBlank(), "model must name a catalogue model, a folder or a .gguf file");
        require(!tenants.isEmpty(), "tenants must hold at least one tenant");
        tenants = List.copyOf(tenants);
        require(
                SERVED_NAME.matcher(servedModelName).matches(),
                "servedModelName %s must be up to 200 visible ASCII characters without a comma"
                        .formatted(servedModelName));
        Set<String> names = new HashSet<>();
        Set<String> keys = new HashSet<>();
        for (Tenant tenant : tenants) {
            require(names.add(tenant.name()), "tenants: the name %s stands twice".formatted(tenant.name()));
            require(keys.add(tenant.apiKey()), "tenants: two tenants have the same apiKey");
        }
        boolean keyless = tenants.stream().anyMatch(tenant -> tenant.apiKey().isEmpty());
        require(
                !keyless || server.loopback(),
                "server.host is %s, and a tenant without apiKey is accepted on loopback only".formatted(server.host()));
    }

    /// This configuration with another listener port.
    public ServerConfig withPort(int port) {
        return new ServerConfig(
                server.withPort(port),
                model,
                servedModelName,
                adapterRoot,
                generation,
                engine,
                adapters,
                metering,
                chain,
                tenants);
    }

    /// This configuration with another model.
    public ServerConfig withModel(String otherModel) {
        return new ServerConfig(
                server,
                otherModel,
                servedModelName,
                adapterRoot,
                generation,
                engine,
                adapters,
                metering,
                chain,
                tenants);
    }

    /// This configuration with another name for the model.
    public ServerConfig withServedModelName(String otherName) {
        return new ServerConfig(
                server, model, otherName, adapterRoot, generation, engine, adapters, metering, chain, tenants);
    }

    /// This configuration with another folder of adapters.
    public ServerConfig withAdapterRoot(String otherAdapterRoot) {
        return new ServerConfig(
                server,
                model,
                servedModelName,
                otherAdapterRoot,
                generation,
                engine,
                adapters,
                metering,
                chain,
                tenants);
    }

    /// This configuration with the base's matrices in another format.
    ///
    /// @throws IllegalArgumentException if there is no such format
    public ServerConfig withWeights(String otherWeights) {
        return new ServerConfig(
                server,
                model,
                servedModelName,
                adapterRoot,
                generation,
                engine.withWeights(otherWeights),
                adapters,
                metering,
                chain,
                tenants);
    }

    /// This configuration with other tenants.
    public ServerConfig withTenants(List<Tenant> otherTenants) {
        return new ServerConfig(
                server,
                model,
                servedModelName,
                adapterRoot,
                generation,
                engine,
                adapters,
                metering,
                chain,
                otherTenants);
    }

    /// This configuration without sealing and anchoring while it serves.
    public ServerConfig withoutSettling() {
        return new ServerConfig(
                server,
                model,
                servedModelName,
                adapterRoot,
                generation,
                engine,
                adapters,
                metering.withSettleInterval(0),
                chain,
                tenants);
    }

    /// Tenant of an API key; an empty key is none.
    public Optional<Tenant> tenant(String apiKey) {
        return tenants.stream().filter(tenant -> tenant.apiKey().equals(apiKey)).findFirst();
    }

    /// The listener of gRPC and HTTP.
    ///
    /// @param port 0 for a free one
    /// @param maxConcurrentRequests answers generated or waiting at once
    /// @param maxBufferedEvents events of one streamed answer that may wait for its client
    /// @param openMetrics whether `/metrics` is read without a key
    public record Listener(
            @JsonProperty(required = true) String host,
            @JsonProperty(required = true) int port,
            @JsonProperty(required = true) int maxConcurrentRequests,
            @JsonProperty(required = true) int maxRequestBytes,
            @JsonProperty(required = true) int maxBufferedEvents,
            @JsonProperty(required = true) int shutdownGraceSeconds,
            @JsonProperty(required = true) boolean reflection,
            @JsonProperty(required = true) boolean openMetrics) {

        public Listener {
            require(!host.isBlank(), "host must be an address to listen on, such as 127.0.0.1");
            within("port", port, 0, 65_535);
            within("maxConcurrentRequests", maxConcurrentRequests, 1, 100_000);
            within("maxRequestBytes", maxRequestBytes, 1024, 1 << 30);
            within("maxBufferedEvents", maxBufferedEvents, 16, 1 << 20);
            within("shutdownGraceSeconds", shutdownGraceSeconds, 0, 3600);
        }

        /// Whether only this machine can connect.
        public boolean loopback() {
            try {
                return InetAddress.getByName(host).isLoopbackAddress();
            } catch (UnknownHostException e) {
                throw new IllegalArgumentException("host %s is no address of this machine".formatted(host), e);
            }
        }

        Listener withPort(int otherPort) {
            return new Listener(
                    host,
                    otherPort,
                    maxConcurrentRequests,
                    maxRequestBytes,
                    maxBufferedEvents,
                    shutdownGraceSeconds,
                    reflection,
                    openMetrics);
        }
    }

    /// Defaults of requests.
    public record Generation(@JsonProperty(required = true) int defaultMaxTokens) {
        public Generation {
            within("defaultMaxTokens", defaultMaxTokens, 1, 1 << 20);
        }
    }

    /// Sizes of the engine.
    ///
    /// @param threads of the kernels; 0 for one per processor
    /// @param maxPrefillTokensBesideDecode most prompt rows of a step in which answers grow
    /// @param maxOvertakes most later requests of a tenant that are admitted before a waiting one
    /// @param kvCacheMebibytes of keys and values; 0 for a share of the memory that is available
    /// @param prefixCache whether computed prompt prefixes are kept and found again
    /// @param weights format of the base's matrices in memory: `bf16` or `int8`
    /// @param gemm who multiplies matrices: `auto`, `panel`, `dot` or `libtorch`
    /// @param warmUpSeconds most time to run made-up steps before serving; 0 for none
    /// @param libtorchDir `torch/lib` of an installed PyTorch; empty for the libtorch on the class path
    public record Engine(
            @JsonProperty(required = true) int threads,
            @JsonProperty(required = true) int maxNumSeqs,
            @JsonProperty(required = true) int maxNumBatchedTokens,
            @JsonProperty(required = true) int maxPrefillTokensBesideDecode,
            @JsonProperty(required = true) int maxOvertakes,
            @JsonProperty(required = true) int maxAdaptersPerRequest,
            @JsonProperty(required = true) int kvCacheMebibytes,
            @JsonProperty(required = true) boolean prefixCache,
            @JsonProperty(required = true) String weights,
            @JsonProperty(required = true) String gemm,
            @JsonProperty(required = true) String libtorchDir,
            @JsonProperty(required = true) int warmUpSeconds) {
        private static final Set<String> WEIGHTS = Set.of("bf16", "int8");
        private static final Set<String> GEMM = Set.of("auto", "panel", "dot", "libtorch");

        public Engine {
            require(WEIGHTS.contains(weights), "weights is %s, allowed are bf16, int8".formatted(weights));
            require(
                    !weights.equals("int8") || gemm.equals("auto") || gemm.equals("panel"),
                    "gemm is %s, with int8 weights allowed are auto, panel".formatted(gemm));
            require(GEMM.contains(gemm), "gemm is %s, allowed are auto, panel, dot, libtorch".formatted(gemm));
            within("threads", threads, 0, 1024);
            within("maxNumSeqs", maxNumSeqs, 1, 65_536);
            within("maxNumBatchedTokens", maxNumBatchedTokens, maxNumSeqs, 1 << 20);
            within("maxPrefillTokensBesideDecode", maxPrefillTokensBesideDecode, 1, 1 << 20);
            within("maxOvertakes", maxOvertakes, 0, 1 << 20);
            within("maxAdaptersPerRequest", maxAdaptersPerRequest, 1, 1024);
            within("kvCacheMebibytes", kvCacheMebibytes, 0, 1 << 24);
            within("warmUpSeconds", warmUpSeconds, 0, 3600);
        }

        Engine withWeights(String otherWeights) {
            return new Engine(
                    threads,
                    maxNumSeqs,
                    maxNumBatchedTokens,
                    maxPrefillTokensBesideDecode,
                    maxOvertakes,
                    maxAdaptersPerRequest,
                    kvCacheMebibytes,
                    prefixCache,
                    otherWeights,
                    gemm,
                    libtorchDir,
                    warmUpSeconds);
        }
    }

    /// Sizes of the adapter cache.
    ///
    /// @param hostBytes of memory for adapters
    /// @param deviceSlots adapters that answers can use at once
    /// @param deviceBytes of their weights
    /// @param unitBytes in which the memory is given out, a multiple of 64
    /// @param maxConcurrentLoads adapters read at once
    /// @param failureMemorySeconds that a failed load is not tried again
    /// @param scrubBytesPerSecond of resident weights compared with their checksums; 0 for none
    /// @param rescanSeconds between two looks at all folders under the adapter root
    /// @param diskBytes of adapters fetched from their origins
    /// @param maxAdapterBytes of all files of one adapter fetched
    /// @param fetchLimitSeconds that one fetch may take
    public record Adapters(
            @JsonProperty(required = true) long hostBytes,
            @JsonProperty(required = true) int deviceSlots,
            @JsonProperty(required = true) long deviceBytes,
            @JsonProperty(required = true) int unitBytes,
            @JsonProperty(required = true) int maxConcurrentLoads,
            @JsonProperty(required = true) int failureMemorySeconds,
            @JsonProperty(required = true) long scrubBytesPerSecond,
            @JsonProperty(required = true) int rescanSeconds,
            @JsonProperty(required = true) long diskBytes,
            @JsonProperty(required = true) long maxAdapterBytes,
            @JsonProperty(required = true) int fetchLimitSeconds,
            @JsonProperty(required = true) Origins origins) {
        private static final long LEAST_BYTES = 1L << 20;
        private static final long MOST_BYTES = 1L << 44;

        public Adapters {
            within("hostBytes", hostBytes, LEAST_BYTES, MOST_BYTES);
            within("deviceSlots", deviceSlots, 1, 1 << 20);
            within("deviceBytes", deviceBytes, LEAST_BYTES, MOST_BYTES);
            within("unitBytes", unitBytes, 64, 1 << 20);
            require(unitBytes % 64 == 0, "unitBytes is %d, must be a multiple of 64".formatted(unitBytes));
            require(
                    hostBytes / unitBytes <= Integer.MAX_VALUE,
                    "unitBytes is %d, too small for %d hostBytes".formatted(unitBytes, hostBytes));
            within("maxConcurrentLoads", maxConcurrentLoads, 1, 1024);
            within("failureMemorySeconds", failureMemorySeconds, 0, 86_400);
            within("scrubBytesPerSecond", scrubBytesPerSecond, 0, MOST_BYTES);
            within("rescanSeconds", rescanSeconds, 1, 86_400);
            within("diskBytes", diskBytes, 1, MOST_BYTES);
            within("maxAdapterBytes", maxAdapterBytes, 1, MOST_BYTES);
            within("fetchLimitSeconds", fetchLimitSeconds, 1, 86_400);
        }
    }

    /// Where adapters may be fetched from, and with which credentials.
    ///
    /// @param allowed origins or what lies above them
    /// @param privateHosts `host` or `host:port` that may be in a private network or speak plain HTTP
    /// @param hubEndpoint empty for `HF_ENDPOINT`, or the public hub
    /// @param hubTokenFile empty for `HF_TOKEN`
    /// @param s3Endpoint empty for AWS's own
    /// @param s3Region empty for `AWS_REGION`, or us-east-1
    /// @param s3PathStyle buckets in the path, not in the host
    /// @param s3Anonymous requests are not signed
    public record Origins(
            @JsonProperty(required = true) List<String> allowed,
            @JsonProperty(required = true) List<String> privateHosts,
            @JsonProperty(required = true) String hubEndpoint,
            @JsonProperty(required = true) String hubTokenFile,
            @JsonProperty(required = true) String s3Endpoint,
            @JsonProperty(required = true) String s3Region,
            @JsonProperty(required = true) boolean s3PathStyle,
            @JsonProperty(required = true) boolean s3Anonymous) {
        private static final Pattern HOST =
                Pattern.compile("[a-zA-Z0-9.-]+(:[0-9]{1,5})?|\\[[0-9a-fA-F:.]+](:[0-9]{1,5})?");
        private static final Pattern ENDPOINT = Pattern.compile("|https?://[a-zA-Z0-9.:\\[\\]-]+");
        private static final Pattern REGION = Pattern.compile("|[a-z0-9-]{1,63}");

        public Origins {
            allowed = List.copyOf(allowed);
            privateHosts = List.copyOf(privateHosts);
            AllowedOrigins.parse(allowed);
            for (String host : privateHosts) {
                require(HOST.matcher(host).matches(), "privateHosts: %s must be a host or host:port".formatted(host));
            }
            require(
                    ENDPOINT.matcher(hubEndpoint).matches(),
                    "hubEndpoint %s must be empty or https://host".formatted(hubEndpoint));
            require(
                    ENDPOINT.matcher(s3Endpoint).matches(),
                    "s3Endpoint %s must be empty or https://host".formatted(s3Endpoint));
            require(
                    REGION.matcher(s3Region).matches(),
                    "s3Region %s must be empty, or 1 to 63 of a-z 0-9 -".formatted(s3Region));
        }
    }

    /// Where the ledger is kept.
    ///
    /// @param url of a PostgreSQL database, `jdbc:postgresql://…`; empty for SQLite under `OPENLORA_HOME`
    /// @param user of the database
    /// @param passwordFile readable by its owner alone; empty for none
    public record LedgerDatabase(
            @JsonProperty(required = true) String url,
            @JsonProperty(required = true) String user,
            @JsonProperty(required = true) String passwordFile) {}

    /// Prices, datanets and promises.
    ///
    /// @param priceBook file; empty for the shipped one
    /// @param datanetRoot folder; empty for the catalogue model's
    /// @param commitPatienceSeconds that an answer waits for a ledger that cannot be written
    /// @param settleIntervalSeconds between two rounds of sealing and anchoring; 0 for none
    /// @param traceRetentionDays that the tokens of tenants with `trace` are kept
    public record Metering(
            @JsonProperty(required = true) String replica,
            @JsonProperty(required = true) LedgerDatabase ledger,
            @JsonProperty(required = true) String priceBook,
            @JsonProperty(required = true) String datanetRoot,
            @JsonProperty(required = true) int inclusionWindowSeconds,
            @JsonProperty(required = true) int commitPatienceSeconds,
            @JsonProperty(required = true) int settleIntervalSeconds,
            @JsonProperty(required = true) int traceRetentionDays) {
        public Metering {
            require(
                    Tenant.NAME.matcher(replica).matches(),
                    "replica %s must be 1 to 63 of a-z 0-9 . _ - and start with a letter or digit".formatted(replica));
            within("inclusionWindowSeconds", inclusionWindowSeconds, 1, 31 * 86_400);
            within("commitPatienceSeconds", commitPatienceSeconds, 0, 3600);
            // Rounds farther apart than the promise would break it.
            within("settleIntervalSeconds", settleIntervalSeconds, 0, inclusionWindowSeconds);
            within("traceRetentionDays", traceRetentionDays, 1, 3660);
        }

        Metering withSettleInterval(int seconds) {
            return new Metering(
                    replica,
                    ledger,
                    priceBook,
                    datanetRoot,
                    inclusionWindowSeconds,
                    commitPatienceSeconds,
                    seconds,
                    traceRetentionDays);
        }
    }

    /// Where receipts are anchored.
    ///
    /// @param endpoint JSON-RPC over HTTP; empty for a local development chain
    public record Chain(
            @JsonProperty(required = true) String endpoint,
            @JsonProperty(required = true) long chainId,
            @JsonProperty(required = true) int landingLimitSeconds) {
        private static final Pattern ENDPOINT = Pattern.compile("|https?://[!-~&&[^,]]+(,https?://[!-~&&[^,]]+)*");

        public Chain {
            require(
                    ENDPOINT.matcher(endpoint).matches(),
                    "endpoint %s must be empty or an http or https URL, or several with commas between them"
                            .formatted(endpoint));
            require(chainId >= 1, "chainId is %d, allowed is 1 and more".formatted(chainId));
            within("landingLimitSeconds", landingLimitSeconds, 1, 86_400);
        }

        /// The endpoints, the preferred one first; none for a local chain.
        public List<URI> endpoints() {
            return endpoint.isEmpty()
                    ? List.of()
                    : Stream.of(endpoint.split(",")).map(URI::create).toList();
        }
    }

    /// Someone who may call, and who pays for it.
    ///
    /// @param name lower-case letters, digits, `-`, `_`, `.`; its account is derived from it
    /// @param apiKey the key that identifies it; empty: calls without a key
    /// @param payer EVM address
    /// @param cacheGroup tenants of one group share cached prefixes; empty: shares with nobody
    /// @param admin whether it may load, pin and unload the adapters of everybody, and read the metrics
    /// @param trace whether the tokens of its requests are kept, for audits and disputes
    public record Tenant(
            @JsonProperty(required = true) String name,
            @JsonProperty(required = true) String apiKey,
            @JsonProperty(required = true) String payer,
            @JsonProperty(required = true) String cacheGroup,
            @JsonProperty(required = true) boolean admin,
            @JsonProperty(required = true) boolean trace) {
        private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,62}");
        private static final Pattern ADDRESS = Pattern.compile("0x[0-9a-fA-F]{40}");
        private static final Pattern KEY = Pattern.compile("|[!-~]{16,256}");

        public Tenant {
            require(
                    NAME.matcher(name).matches(),
                    "name %s must be 1 to 63 of a-z 0-9 . _ - and start with a letter or digit".formatted(name));
            require(
                    KEY.matcher(apiKey).matches(),
                    "apiKey of %s must be empty or 16 to 256 visible ASCII characters".formatted(name));
            require(
                    ADDRESS.matcher(payer).matches(),
                    "payer %s must be an EVM address: 0x and 40 hexadecimal digits".formatted(payer));
            require(
                    cacheGroup.isEmpty() || NAME.matcher(cacheGroup).matches(),
                    "cacheGroup %s must be empty, or 1 to 63 of a-z 0-9 . _ - and start with a letter or digit"
                            .formatted(cacheGroup));
        }

        /// A tenant that shares cached prefixes with nobody and is no administrator.
        public Tenant(String name, String apiKey, String payer) {
            this(name, apiKey, payer, "", false, false);
        }

        /// A tenant whose requests are not kept.
        public Tenant(String name, String apiKey, String payer, String cacheGroup, boolean admin) {
            this(name, apiKey, payer, cacheGroup, admin, false);
        }

        /// Never shows the key.
        @Override
        public String toString() {
            return "Tenant[name=%s, payer=%s]".formatted(name, payer);
        }
    }

    private static void within(String name, long value, long least, long most) {
        require(value >= least && value <= most, "%s is %d, allowed is %d to %d".formatted(name, value, least, most));
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
