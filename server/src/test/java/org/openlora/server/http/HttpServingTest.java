package org.openlora.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.linecorp.armeria.server.Server;
import com.linecorp.armeria.server.ServerBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.serving.ServingStack;

/// The bundled model behind HTTP, metering included.
class HttpServingTest {
    private static final ObjectMapper JACKSON = new ObjectMapper();
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final List<String> MODELS =
            List.of("base", "harbour-keeper", "moon-gardener", "village-baker", "base:stargazer");
    private static final int MAX_TOKENS = 24;

    @TempDir
    private static Path home;

    private static ServingStack stack = open();
    private static HttpSurface surface;
    private static Server server;
    private static final HttpClient client = HttpClient.newHttpClient();

    private static ServingStack open() {
        throw new IllegalStateException();
    }

    @Test
    void completions_adaptersTogether_answerAsAlone() throws Exception {
        List<String> alone = new ArrayList<>();
        for (String model : MODELS) {
            alone.add(text(post(model, "").get()));
        }
        List<CompletableFuture<HttpResponse<String>>> together = Stream.concat(MODELS.stream(), MODELS.stream())
                .map(model -> post(model, ""))
                .toList();

        List<String> texts = new ArrayList<>();
        for (CompletableFuture<HttpResponse<String>> answer : together) {
            texts.add(text(answer.get()));
        }
        assertThat(texts.subList(0, MODELS.size())).isEqualTo(alone);
        assertThat(texts.subList(MODELS.size(), texts.size())).isEqualTo(alone);
        assertThat(alone).doesNotHaveDuplicates();
    }
}
