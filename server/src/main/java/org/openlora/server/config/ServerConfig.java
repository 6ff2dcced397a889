package org.openlora.server.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/// Every setting of `config/openlora.yaml`, checked; the file says what each one means and why it is as it is.
///
/// @param server the listener
/// @param model catalogue name, folder or `.gguf` file
/// @param adapterRoot folder of adapters; empty for those the catalogue model brings
/// @param generation defaults of requests
/// @param tenants who may call; at least one
public record ServerConfig(
        @JsonProperty(required = true) Listener server,
        @JsonProperty(required = true) String model,
        @JsonProperty(required = true) String adapterRoot,
        @JsonProperty(required = true) Generation generation,
        @JsonProperty(required = true) List<Tenant> tenants) {

    public ServerConfig {
        require(!model.isBlank(), "model must name a catalogue model, a folder or a .gguf file");
        require(!tenants.isEmpty(), "tenants must hold at least one tenant");
        tenants = List.copyOf(tenants);
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
        return new ServerConfig(server.withPort(port), model, adapterRoot, generation, tenants);
    }

    /// This configuration with another model.
    public ServerConfig withModel(String otherModel) {
        return new ServerConfig(server, otherModel, adapterRoot, generation, tenants);
    }

    /// This configuration with another folder of adapters.
    public ServerConfig withAdapterRoot(String otherAdapterRoot) {
        return new ServerConfig(server, model, otherAdapterRoot, generation, tenants);
    }

    /// Tenant of an API key; an empty key is none.
    public Optional<Tenant> tenant(String apiKey) {
        return tenants.stream().filter(tenant -> tenant.apiKey().equals(apiKey)).findFirst();
    }

    /// The listener of gRPC and HTTP.
    ///
    /// @param port 0 for a free one
    /// @param maxConcurrentRequests answers generated or waiting at once
    public record Listener(
            @JsonProperty(required = true) String host,
            @JsonProperty(required = true) int port,
            @JsonProperty(required = true) int maxConcurrentRequests,
            @JsonProperty(required = true) int maxRequestBytes,
            @JsonProperty(required = true) int shutdownGraceSeconds,
            @JsonProperty(required = true) boolean reflection) {

        public Listener {
            require(!host.isBlank(), "host must be an address to listen on, such as 127.0.0.1");
            within("port", port, 0, 65_535);
            within("maxConcurrentRequests", maxConcurrentRequests, 1, 100_000);
            within("maxRequestBytes", maxRequestBytes, 1024, 1 << 30);
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
                    host, otherPort, maxConcurrentRequests, maxRequestBytes, shutdownGraceSeconds, reflection);
        }
    }

    /// Defaults of requests.
    public record Generation(@JsonProperty(required = true) int defaultMaxTokens) {
        public Generation {
            within("defaultMaxTokens", defaultMaxTokens, 1, 1 << 20);
        }
    }

    /// Someone who may call, and who pays for it.
    ///
    /// @param name lower-case letters, digits, `-`, `_`, `.`; its account is derived from it
    /// @param apiKey the key that identifies it; empty: calls without a key
    /// @param payer EVM address
    public record Tenant(
            @JsonProperty(required = true) String name,
            @JsonProperty(required = true) String apiKey,
            @JsonProperty(required = true) String payer) {
        private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,62}");
        private static final Pattern ADDRESS = Pattern.compile("0x[0-9a-fA-F]{40}");
        private static final Pattern KEY = Pattern.compile("|[!-~]{16,256}");

        public Tenant {
            require(
                    NAME.matcher(name).matches(),
                    "name %s must be 1 to 63 of a-z 0-9 . _ - and start with a letter or digit".formatted(name));
            require(KEY.matcher(apiKey).matches(), "apiKey of %s must be empty or 16 to 256 visible ASCII characters".formatted(name));
            require(
                    ADDRESS.matcher(payer).matches(),
                    "payer %s must be an EVM address: 0x and 40 hexadecimal digits".formatted(payer));
        }

        /// Never shows the key.
        @Override
        public String toString() {
            return "Tenant[name=%s, payer=%s]".formatted(name, payer);
        }
    }

    private static void within(String name, int value, int least, int most) {
        require(value >= least && value <= most, "%s is %d, allowed is %d to %d".formatted(name, value, least, most));
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
