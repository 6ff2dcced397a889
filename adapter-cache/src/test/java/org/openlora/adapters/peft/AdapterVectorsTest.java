package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.Repository;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsWriter;
import org.openlora.kernels.LoraLayout;

/// Holds the code to docs/vectors/adapters.json, whose digests, ranks and scalings other programs computed.
class AdapterVectorsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    Path root;

    @Test
    void read_ofTheVectors_givesTheirDigestsRanksAndScalings() throws IOException {
        JsonNode vectors =
                JSON.readTree(Repository.file("docs/vectors/adapters.json").toFile());
        BaseWeights base = base(vectors.get("base"));
        assertThat(vectors.get("adapters")).hasSizeGreaterThanOrEqualTo(4);
        for (JsonNode vector : vectors.get("adapters")) {
            PeftAdapter adapter = PeftAdapter.read(write(vector), base);
            assertThat(new String(DigestBuilder.jcs(adapter.config().effectiveJson()), StandardCharsets.UTF_8))
                    .isEqualTo(vector.get("effectiveConfig").textValue());
            assertThat(adapter.digest())
                    .as(vector.get("name").textValue())
                    .isEqualTo(Digest.parse(vector.get("digest").textValue()));
            List<String> expected = StreamSupport.stream(vector.get("modules").spliterator(), false)
                    .map(module -> module.get("path").textValue() + " r " + module.get("rank") + " × "
                            + (float) module.get("scaling").doubleValue())
                    .toList();
            assertThat(adapter.modules())
                    .extracting(module -> module.path() + " r " + module.rank() + " × " + module.scaling())
                    .containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    @Test
    void read_ofTheManifestVectors_givesTheirDigests() throws IOException {
        JsonNode vectors =
                JSON.readTree(Repository.file("docs/vectors/adapters.json").toFile());
        assertThat(vectors.get("manifests")).isNotEmpty();
        for (JsonNode vector : vectors.get("manifests")) {
            Path file = root.resolve("adapter.yaml");
            Files.writeString(file, vector.get("yaml").textValue());
            assertThat(AdapterManifest.read(file).digest())
                    .isEqualTo(Digest.parse(vector.get("digest").textValue()));
            JsonNode canonical = JSON.readTree(vector.get("canonical").textValue());
            assertThat(new DigestBuilder(AdapterManifest.DIGEST_DOMAIN)
                            .lpJcs(canonical)
                            .finish())
                    .isEqualTo(Digest.parse(vector.get("digest").textValue()));
        }
    }

    @Test
    void read_ofTheExampleAdapters_givesTheDigestsBesideThem() throws IOException {
        Path digests = Repository.file("examples/digests.json");
        Assumptions.assumeTrue(Files.exists(digests), "skipped: examples/digests.json is not there");
        JsonNode adapters = JSON.readTree(digests.toFile()).path("adapters");
        assertThat(adapters.isObject() && !adapters.isEmpty())
                .as("examples/digests.json lists adapters")
                .isTrue();
        BaseWeights base = bundledBase();
        for (var entry : adapters.properties()) {
            Path folder = Repository.file("examples/adapters").resolve(entry.getKey());
            JsonNode expected = entry.getValue();
            String digest = expected.isTextual()
                    ? expected.textValue()
                    : expected.path("digest").asText();
            PeftAdapter adapter = PeftAdapter.read(folder, base);
            assertThat(adapter.digest()).as(entry.getKey()).isEqualTo(Digest.parse(digest));
            if (expected.hasNonNull("manifest")) {
                assertThat(AdapterManifest.read(folder.resolve(AdapterManifest.FILE_NAME))
                                .digest())
                        .as(entry.getKey())
                        .isEqualTo(Digest.parse(expected.get("manifest").textValue()));
            }
        }
    }

    private static BaseWeights base(JsonNode base) {
        return new LlamaModules(
                Digest.ZERO,
                base.get("layers").intValue(),
                base.get("hiddenSize").intValue(),
                base.get("heads").intValue(),
                base.get("kvHeads").intValue(),
                base.get("headDim").intValue(),
                base.get("intermediateSize").intValue(),
                base.path("vocabularySize").asInt(1),
                true,
                LoraLayout.RANK_ROWS,
                AdapterVectorsTest::noWeights);
    }

    private Path write(JsonNode vector) throws IOException {
        Path folder = Files.createDirectories(root.resolve(vector.get("name").textValue()));
        Files.writeString(
                folder.resolve(PeftConfig.FILE_NAME),
                vector.get("adapterConfig").toString());
        var writer = new SafetensorsWriter();
        for (JsonNode tensor : vector.get("tensors")) {
            long[] shape = {
                tensor.get("shape").get(0).longValue(),
                tensor.get("shape").get(1).longValue()
            };
            writer.tensor(
                    tensor.get("name").textValue(),
                    DType.valueOf(vector.get("dtype").textValue()),
                    shape,
                    HexFormat.of().parseHex(tensor.get("hex").textValue()));
        }
        writer.write(folder.resolve("adapter_model.safetensors"));
        return folder;
    }

    /// The bundled model's shapes: a digest needs no base, but reading checks against one.
    private static BaseWeights bundledBase() throws IOException {
        Path configFile = Repository.file("models/openlora-tiny/config.json");
        Assumptions.assumeTrue(Files.exists(configFile), "skipped: models/openlora-tiny/config.json is not there");
        JsonNode config = JSON.readTree(configFile.toFile());
        int heads = config.get("num_attention_heads").intValue();
        int hiddenSize = config.get("hidden_size").intValue();
        return new LlamaModules(
                Digest.ZERO,
                config.get("num_hidden_layers").intValue(),
                hiddenSize,
                heads,
                config.path("num_key_value_heads").asInt(heads),
                config.path("head_dim").asInt(hiddenSize / heads),
                config.get("intermediate_size").intValue(),
                config.get("vocab_size").intValue(),
                true,
                LoraLayout.RANK_ROWS,
                AdapterVectorsTest::noWeights);
    }

    private static MemorySegment noWeights(String name, Arena arena) {
        throw new IllegalStateException("a digest needs no weight of the base, but " + name + " was asked for");
    }
}
