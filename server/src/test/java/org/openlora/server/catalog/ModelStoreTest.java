package org.openlora.server.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.transfer.TransferProgress;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;

class ModelStoreTest {
    private static final int WEIGHTS_BYTES = 300_000;

    @TempDir
    Path folder;

    private final StandInHub hub = new StandInHub();
    private byte[] weights = new byte[0];

    @BeforeEach
    void fillHub() {
        weights = new byte[WEIGHTS_BYTES];
        new Random(7).nextBytes(weights);
        hub.with("config.json", "{}".getBytes(StandardCharsets.UTF_8)).with("model.safetensors", weights);
    }

    @AfterEach
    void closeHub() {
        hub.close();
    }

    @Test
    void pull_fromHub_bringsVerifiedFilesAndPinsThem() throws IOException {
        ResolvedModel model = store("").pull("tiny");

        assertThat(model.path().resolve("model.safetensors")).hasBinaryContent(weights);
        assertThat(store("").state("tiny")).isEqualTo(ModelStore.State.PULLED);
        assertThat(store("").revision("tiny")).contains("a".repeat(40));
        assertThat(store("").verify("tiny")).hasSize(2);
        assertThat(Files.exists(models().resolve(".partial/tiny"))).isFalse();
    }

    @Test
    void pull_whatIsHere_asksNobody() {
        store("").pull("tiny");
        hub.close();

        assertThat(store("").pull("tiny").path()).isDirectory();
    }

    @Test
    void pull_connectionBreaks_goesOnWhereItStopped() {
        hub.breakAfter(100_000);

        ResolvedModel model = store("").pull("tiny");

        // The client may lose what stood in its buffer when the connection broke.
        assertThat(hub.ranges()).singleElement().satisfies(range -> assertThat(
                        Integer.parseInt(range.replaceAll("\\D", "")))
                .isBetween(1, 100_000));
        assertThat(model.path().resolve("model.safetensors")).hasBinaryContent(weights);
    }

    @Test
    void fetch_transferStalls_givesUpAndGoesOnWhereItStopped() throws IOException {
        hub.stallAfter(100_000);
        ModelHub client = new ModelHub(Map.of("HF_ENDPOINT", hub.endpoint()), Duration.ofMillis(500));
        Path target = folder.resolve("model.safetensors");

        client.fetch("acme/tiny", "a".repeat(40), "model.safetensors", target, TransferProgress.silent());

        assertThat(hub.ranges()).hasSize(1);
        assertThat(target).hasBinaryContent(weights);
    }

    @Test
    void pull_earlierProcessStopped_goesOnWhereItStopped() throws IOException {
        Path partial = Files.createDirectories(models().resolve(".partial/tiny"));
        byte[] half = Arrays.copyOf(weights, 123_456);
        Files.write(partial.resolve("model.safetensors"), half);

        store("").pull("tiny");

        assertThat(hub.ranges()).containsExactly("bytes=123456-");
        assertThat(models().resolve("tiny/model.safetensors")).hasBinaryContent(weights);
    }

    @Test
    void pull_corruptedTransfer_isRefusedAndLeavesNoModel() {
        hub.corruptTransfers();

        assertThatThrownBy(() -> store("").pull("tiny"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("model.safetensors arrived damaged");
        assertThat(models().resolve("tiny")).doesNotExist();
        assertThat(models().resolve(".partial/tiny/model.safetensors")).doesNotExist();
    }

    @Test
    void pull_fileLostAndUpstreamContentChanged_isRefused() throws IOException {
        store("").pull("tiny");
        Files.delete(models().resolve("tiny/model.safetensors"));
        byte[] others = weights.clone();
        others[0] ^= 1;
        hub.with("model.safetensors", others);

        assertThatThrownBy(() -> store("").pull("tiny"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("changed upstream: model.safetensors");
    }

    @Test
    void pull_fileLostAndRevisionMoved_isRefused() throws IOException {
        store("").pull("tiny");
        Files.delete(models().resolve("tiny/model.safetensors"));
        hub.moveTo("b".repeat(40));

        assertThatThrownBy(() -> store("").pull("tiny"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("changed upstream: revision");
    }

    @Test
    void pull_withToken_keepsItFromOtherHosts() {
        store("secret-token").pull("tiny");

        assertThat(hub.storageAuthorizations()).containsOnly("null");
    }

    @Test
    void pull_requiredFileMissing_namesIt() {
        ModelStore store = new ModelStore(
                installation(),
                catalog(List.of("config.json", "tokenizer.json")),
                Map.of("HF_ENDPOINT", hub.endpoint()),
                TransferProgress.silent());

        assertThatThrownBy(() -> store.pull("tiny")).isInstanceOf(Problem.class).hasMessageContaining("tokenizer.json");
    }

    @Test
    void verify_changedFile_namesIt() throws IOException {
        store("").pull("tiny");
        byte[] others = weights.clone();
        others[9] ^= 1;
        Files.write(models().resolve("tiny/model.safetensors"), others);

        assertThatThrownBy(() -> store("").verify("tiny"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("model.safetensors has SHA-256");
    }

    @Test
    void resolve_unknownName_listsKnownOnes() {
        assertThatThrownBy(() -> store("").resolve("gpt-17"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("there is no model gpt-17")
                .hasMessageContaining("tiny");
    }

    @Test
    void resolve_folderWithoutConfig_saysSo() {
        assertThatThrownBy(() -> store("").resolve(folder.toString()))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("holds no config.json");
    }

    @Test
    void resolve_ggufFile_isNamedWithoutItsEnding() throws IOException {
        Path file = Files.createFile(folder.resolve("some-model.gguf"));

        assertThat(store("").resolve(file.toString())).isEqualTo(new ResolvedModel("some-model", file, null, null, ""));
    }

    @Test
    void pull_noPython_saysWhatIsMissing() {
        ModelStore store = new ModelStore(
                installation(),
                ModelCatalog.shipped(),
                Map.of("OPENLORA_PYTHON", "no-such-python"),
                TransferProgress.silent());

        assertThatThrownBy(() -> store.pull("smollm2-135m-instruct-q4_1"))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("there is no no-such-python on the PATH");
    }

    @Test
    void shippedCatalogue_holdsTheThreeModels() {
        assertThat(ModelCatalog.shipped().names())
                .containsExactly("openlora-tiny", "smollm2-135m-instruct", "smollm2-135m-instruct-q4_1");
    }

    private ModelStore store(String token) {
        return new ModelStore(
                installation(),
                catalog(List.of("config.json", "generation_config.json", "model.safetensors")),
                Map.of("HF_ENDPOINT", hub.endpoint(), "HF_TOKEN", token),
                TransferProgress.silent());
    }

    private static ModelCatalog catalog(List<String> files) {
        return new ModelCatalog(Map.of(
                "tiny",
                new ModelCatalog.Entry(
                        "A model.",
                        "MIT",
                        "",
                        new ModelSource.Hub("acme/tiny", "main", files),
                        ModelCatalog.Examples.NONE)));
    }

    private Installation installation() {
        return new Installation(folder, folder.resolve("home"));
    }

    private Path models() {
        return installation().models();
    }
}
