package org.openlora.server.serving;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.origin.AllowedOrigins;
import org.openlora.adapters.origin.OriginFetcher;
import org.openlora.adapters.origin.S3Settings;
import org.openlora.adapters.origin.S3Signer;
import org.openlora.adapters.transfer.AddressRules;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.RequestSigner;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;

/// Makes the fetcher of adapters from the configuration and the environment.
final class AdapterFetching {
    private static final String DEFAULT_REGION = "us-east-1";

    private AdapterFetching() {}

    /// @throws Problem where the hub's token cannot be read, or `HF_ENDPOINT` is no address
    static AdapterFetcher fetcher(ServerConfig.Adapters adapters, Map<String, String> environment) {
        ServerConfig.Origins origins = adapters.origins();
        String hubEndpoint = firstOf(origins.hubEndpoint(), environment.getOrDefault("HF_ENDPOINT", ""));
        URI hub = hubEndpoint.isEmpty() ? HubClient.PUBLIC_HUB : address("HF_ENDPOINT", hubEndpoint);
        String region = firstOf(
                origins.s3Region(), environment.getOrDefault("AWS_REGION", ""), DEFAULT_REGION);
        S3Settings s3 = origins.s3Endpoint().isEmpty()
                ? S3Settings.aws(region)
                : new S3Settings(address("s3Endpoint", origins.s3Endpoint()), region, origins.s3PathStyle());
        List<String> privateHosts = new ArrayList<>(origins.privateHosts());
        // What the operator configured as the hub or the store may be his own, in a private network.
        Stream.of(hubEndpoint, origins.s3Endpoint())
                .filter(endpoint -> !endpoint.isEmpty())
                .map(endpoint -> AddressRules.hostOf(URI.create(endpoint)))
                .forEach(privateHosts::add);
        var transfer = new HttpTransfer(AddressRules.publicAnd(privateHosts), HttpTransfer.STALL_LIMIT);
        return new OriginFetcher(
                new OriginFetcher.FetchLimits(
                        adapters.maxAdapterBytes(), Duration.ofSeconds(adapters.fetchLimitSeconds())),
                AllowedOrigins.parse(origins.allowed()),
                transfer,
                new HubClient(hub, token(origins.hubTokenFile(), environment), transfer),
                s3,
                origins.s3Anonymous() ? RequestSigner.none() : S3Signer.withDefaultCredentials(region));
    }

    private static String token(String file, Map<String, String> environment) {
        if (file.isEmpty()) {
            return environment.getOrDefault("HF_TOKEN", "").strip();
        }
        try (Stream<String> lines = Files.lines(Path.of(file))) {
            return lines.findFirst().orElse("").strip();
        } catch (IOException e) {
            throw new Problem(
                    "the hub's token cannot be read from %s: %s".formatted(file, Problem.describe(e)),
                    "correct adapters.origins.hubTokenFile",
                    e);
        }
    }

    private static URI address(String name, String text) {
        try {
            URI uri = URI.create(text);
            if (uri.getHost() != null && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            throw unusable(name, text);
        }
        throw unusable(name, text);
    }

    private static Problem unusable(String name, String text) {
        return new Problem("%s is %s, which is no http or https URL".formatted(name, text), "correct or unset it");
    }

    private static String firstOf(String... candidates) {
        return Stream.of(candidates).filter(text -> !text.isEmpty()).findFirst().orElse("");
    }
}
