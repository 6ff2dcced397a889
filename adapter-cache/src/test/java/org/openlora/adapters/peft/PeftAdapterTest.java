package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsFile;
import org.openlora.kernels.Bf16;
import org.openlora.kernels.DoraScale;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.kernels.PanelKernel;
import org.openlora.kernels.SavedEmbedding;
import org.openlora.kernels.WorkerPool;

class PeftAdapterTest {
    private static final String Q0 = "model.layers.0.self_attn.q_proj";
    private static final String V0 = "model.layers.0.self_attn.v_proj";
    private static final String HEAD = "lm_head";
    private static final String EMBEDDING = "model.embed_tokens";
    private static final String SAVED_HEAD = "base_model.model.lm_head.weight";
    private static final String SAVED_EMBEDDING = "base_model.model.model.embed_tokens.weight";
    private static final String SAVING = "{'modules_to_save':['lm_head']}";

    @TempDir
    Path root;

    @Test
    void load_ofASoundAdapter_laysOutEveryPairWithItsScaling() {
        Path folder = AdapterFixture.sound(1).write(root.resolve("sound"));
        PeftAdapter adapter = PeftAdapter.read(folder, BASE);
        assertThat(adapter.modules()).hasSize(4);
        try (Arena arena = Arena.ofConfined();
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            LoraSlot slot = PeftAdapter.load(folder, BASE, adapter.digest(), AdapterMemory.in(arena, adapter.digest()));
            assertThat(slot.tag()).isEqualTo(adapter.digest().tag());
            assertThat(slot.modules(0, LoraPoint.O)).isEmpty();
            assertThat(slot.modules(1, LoraPoint.QKV)).hasSize(2);
            List<LoraModule> pairs = slot.modules(0, LoraPoint.QKV);
            assertThat(pairs).extracting(LoraModule::outputOffset).containsExactly(0, 24);
            LoraModule v = pairs.get(1);
            assertThat(v.scaling()).isEqualTo(2f);
            assertThat(v.rank()).isEqualTo(4);
            float[] a = file.floats(AdapterFixture.a(V0));
            float[] b = file.floats(AdapterFixture.b(V0));
            for (int rank = 0; rank < 4; rank++) {
                for (int i = 0; i < 16; i++) {
                    assertThat(element(v, v.aElementBytes(rank, i))).isEqualTo(a[rank * 16 + i]);
                }
                for (int o = 0; o < 8; o++) {
                    assertThat(element(v, v.bElementBytes(rank, o))).isEqualTo(b[o * 4 + rank]);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 100, 511, 512})
    void load_ofAnyRank_keepsItTrue(int rank) {
        Path folder = AdapterFixture.empty(6)
                .config("{'peft_type':'LORA','r':%d,'target_modules':['0.self_attn.v_proj']}".formatted(rank))
                .pair(V0, rank, DType.BF16)
                .write(root.resolve("ranks"));
        try (Arena arena = Arena.ofConfined();
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            LoraModule pair = load(folder, arena).modules(0, LoraPoint.QKV).getFirst();
            assertThat(pair.rank()).isEqualTo(rank);
            float[] a = file.floats(AdapterFixture.a(V0));
            float[] b = file.floats(AdapterFixture.b(V0));
            assertThat(element(pair, pair.aElementBytes(rank - 1, 15))).isEqualTo(a[rank * 16 - 1]);
            assertThat(element(pair, pair.bElementBytes(rank - 1, 7))).isEqualTo(b[8 * rank - 1]);
            assertThat(PeftAdapter.read(folder, BASE).largestRank()).isEqualTo(rank);
        }
    }

    @Test
    void load_ofDora_scalesByMagnitudeOverNorm() {
        Path folder = AdapterFixture.empty(3)
                .config(
                        "{'peft_type':'LORA','r':3,'lora_alpha':6,'use_dora':true,'target_modules':['0.self_attn.v_proj']}")
                .pair(V0, 3, DType.F32)
                .magnitude(V0, DType.F32)
                .write(root.resolve("dora"));
        try (Arena arena = Arena.ofConfined();
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            LoraSlot slot = load(folder, arena);
            assertThat(slot.scales(0, LoraPoint.O)).isEmpty();
            DoraScale scale = slot.scales(0, LoraPoint.QKV).getFirst();
            assertThat(scale.outputOffset()).isEqualTo(24);
            LoraModule pair = slot.modules(0, LoraPoint.QKV).getFirst();
            float[] a = file.floats(AdapterFixture.a(V0));
            float[] b = file.floats(AdapterFixture.b(V0));
            float[] magnitude = file.floats(AdapterFixture.magnitude(V0));
            float[] weight = AdapterFixture.baseFloats(V0, 8 * 16);
            for (int o = 0; o < 8; o++) {
                double squares = 0;
                for (int i = 0; i < 16; i++) {
                    double sum = weight[o * 16 + i];
                    for (int r = 0; r < 3; r++) {
                        sum += 2.0 * b[o * 3 + r] * a[r * 16 + i];
                    }
                    squares += sum * sum;
                }
                double factor = magnitude[o] / Math.sqrt(squares);
                assertThat(scale.change(o)).isCloseTo((float) (factor - 1), within(1e-5f));
                for (int r = 0; r < 3; r++) {
                    assertThat(element(pair, pair.bElementBytes(r, o)))
                            .isCloseTo((float) (factor * b[o * 3 + r]), withinPercentage(0.4));
                }
            }
        }
    }

    @Test
    void load_ofDoraOnTheEmbedding_takesTheNormsOfItsColumns() {
        Path folder = headAndEmbedding(AdapterFixture.empty(4).config("{'use_dora':true}"))
                .magnitude(HEAD, DType.F16)
                .magnitude(EMBEDDING, DType.F16)
                .write(root.resolve("dora"));
        try (Arena arena = Arena.ofConfined();
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            LoraSlot slot = load(folder, arena);
            assertThat(slot.scales(0, LoraPoint.LM_HEAD).getFirst().outputs()).isEqualTo(40);
            DoraScale scale = slot.scales(0, LoraPoint.EMBEDDING).getFirst();
            float[] a = file.floats(AdapterFixture.a(EMBEDDING));
            float[] b = file.floats(AdapterFixture.b(EMBEDDING));
            float[] magnitude = file.floats(AdapterFixture.magnitude(EMBEDDING));
            float[] weight = AdapterFixture.baseFloats(EMBEDDING, 40 * 16);
            for (int j = 0; j < 16; j++) {
                double squares = 0;
                for (int token = 0; token < 40; token++) {
                    double sum = weight[token * 16 + j];
                    for (int r = 0; r < 2; r++) {
                        sum += 0.5 * b[j * 2 + r] * a[r * 40 + token];
                    }
                    squares += sum * sum;
                }
                assertThat(scale.change(j)).isCloseTo((float) (magnitude[j] / Math.sqrt(squares) - 1), within(1e-5f));
            }
        }
    }

    @Test
    void load_ofHeadAndEmbedding_laysThemOutOutsideTheLayers() {
        Path folder = headAndEmbedding(AdapterFixture.empty(5)).write(root.resolve("ends"));
        try (Arena arena = Arena.ofConfined()) {
            LoraSlot slot = load(folder, arena);
            LoraModule head = slot.modules(0, LoraPoint.LM_HEAD).getFirst();
            assertThat(List.of(head.inputs(), head.outputs(), head.rank())).containsExactly(16, 40, 2);
            LoraModule embedding = slot.modules(0, LoraPoint.EMBEDDING).getFirst();
            assertThat(List.of(embedding.inputs(), embedding.outputs(), embedding.rank()))
                    .containsExactly(40, 16, 2);
            assertThat(slot.modules(1, LoraPoint.LM_HEAD)).isEmpty();
            assertThat(slot.scales(0, LoraPoint.LM_HEAD)).isEmpty();
        }
    }

    @Test
    void read_ofACopyOfTheBasesWeight_isSoundOnlyWhereItIsTheSame() {
        float[] weight = AdapterFixture.baseFloats(HEAD, 40 * 16);
        for (DType dtype : List.of(DType.F32, DType.F16, DType.BF16)) {
            Path same = headAndEmbedding(AdapterFixture.empty(5))
                    .tensor(AdapterFixture.baseCopy(HEAD), dtype, 40, 16, weight)
                    .write(root.resolve("same"));
            assertThat(PeftAdapter.read(same, BASE).modules()).hasSize(2);
        }
        float[] other = weight.clone();
        other[333] += 1;
        Path changed = headAndEmbedding(AdapterFixture.empty(5))
                .tensor(AdapterFixture.baseCopy(HEAD), DType.F32, 40, 16, other)
                .write(root.resolve("changed"));
        assertCode(
                () -> PeftAdapter.read(changed, BASE),
                Code.UNSUPPORTED,
                "differs from the served base at element 333, which would change all of lm_head");
        Path embedding = headAndEmbedding(AdapterFixture.empty(5))
                .tensor(AdapterFixture.baseCopy(EMBEDDING), DType.F32, 16, 40, weight)
                .write(root.resolve("transposed"));
        assertCode(() -> PeftAdapter.read(embedding, BASE), Code.INVALID, "has shape [16, 40], expected [40, 16]");
    }

    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"F32", "F16", "BF16"})
    void load_ofSavedHeadAndEmbedding_keepsThemWhole(DType dtype) {
        // Targeted as well, which PEFT ignores of what it saves.
        Path folder = AdapterFixture.sound(7)
                .config("{'modules_to_save':['lm_head','model.embed_tokens'],"
                        + "'target_modules':['q_proj','v_proj','lm_head']}")
                .tensor(SAVED_HEAD, dtype, 40, 16)
                .tensor(SAVED_EMBEDDING, dtype, 40, 16)
                .write(root.resolve("saved"));
        PeftAdapter adapter = PeftAdapter.read(folder, BASE);
        assertThat(adapter.modules()).hasSize(4);
        assertThat(adapter.saved()).extracting(SavedModule::path).containsExactlyInAnyOrder(HEAD, EMBEDDING);
        long without = PeftAdapter.read(AdapterFixture.sound(7).write(root.resolve("plain")), BASE)
                .size()
                .bytes();
        long head = PanelKernel.packedBytes(40, 16);
        assertThat(adapter.size().bytes())
                .isEqualTo(without + AdapterSize.ofBlock(head) + AdapterSize.ofBlock(40 * 16 * Bf16.BYTES));
        try (Arena arena = Arena.ofConfined();
                WorkerPool pool = new WorkerPool(1);
                SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            LoraSlot slot = load(folder, arena);
            assertThat(slot.modules(0, LoraPoint.LM_HEAD)).isEmpty();
            SavedEmbedding embedding = Objects.requireNonNull(slot.savedEmbedding());
            var values = new float[40 * 16];
            Bf16.toFloats(embedding.weights(), 0, values.length, values, 0);
            assertThat(values).isEqualTo(file.floats(SAVED_EMBEDDING));
            // Multiplied by an identity, the head shows itself.
            float[] identity = new float[16 * 16];
            for (int i = 0; i < 16; i++) {
                identity[i * 16 + i] = 1;
            }
            var columns = new float[16 * 40];
            new PanelKernel(pool).multiply(Objects.requireNonNull(slot.savedHead()), identity, 16, columns);
            float[] stored = file.floats(SAVED_HEAD);
            for (int token = 0; token < 40; token++) {
                for (int i = 0; i < 16; i++) {
                    assertThat(columns[i * 40 + token]).isEqualTo(stored[token * 16 + i]);
                }
            }
        }
    }

    @Test
    void digest_ofModulesToSave_hasAMemberOnlyWhereThereAreAny() {
        assertThat(PeftConfig.read(AdapterFixture.sound(1)
                                .config("{'modules_to_save':[]}")
                                .write(root.resolve("none")))
                        .effectiveJson()
                        .has("modules_to_save"))
                .isFalse();
        assertThat(PeftConfig.read(AdapterFixture.sound(1)
                                .config("{'modules_to_save':['lm_head','embed_tokens','lm_head']}")
                                .write(root.resolve("both")))
                        .effectiveJson()
                        .get("modules_to_save"))
                .hasToString("[\"embed_tokens\",\"lm_head\"]");
    }

    @Test
    void read_ofTiedUpdates_isRefusedWhereTheBaseIsTied() {
        Path folder = headAndEmbedding(AdapterFixture.empty(5).config("{'ensure_weight_tying':true}"))
                .write(root.resolve("tying"));
        assertThat(PeftAdapter.read(folder, BASE).modules()).hasSize(2);
        assertCode(
                () -> PeftAdapter.read(folder, AdapterFixture.base(true)),
                Code.UNSUPPORTED,
                "ensure_weight_tying with lm_head among the targets is not served");
        Path saved = AdapterFixture.sound(1)
                .config("{'ensure_weight_tying':true,'modules_to_save':['embed_tokens']}")
                .tensor(SAVED_EMBEDDING, DType.F32, 40, 16)
                .write(root.resolve("saved"));
        assertThat(PeftAdapter.read(saved, BASE).saved()).hasSize(1);
        assertCode(
                () -> PeftAdapter.read(saved, AdapterFixture.base(true)),
                Code.UNSUPPORTED,
                "ensure_weight_tying with model.embed_tokens among modules_to_save is not served");
        Path elsewhere =
                AdapterFixture.sound(1).config("{'ensure_weight_tying':true}").write(root.resolve("elsewhere"));
        assertThat(PeftAdapter.read(elsewhere, AdapterFixture.base(true)).modules())
                .hasSize(4);
    }

    @Test
    void load_ofDoraThatDividesByZero_isRefused() {
        // W + scaling · B · A is zero in its first row.
        float[] weight = AdapterFixture.baseFloats(V0, 8 * 16);
        float[] a = Arrays.copyOf(weight, 16);
        float[] b = new float[8];
        b[0] = -1;
        Path folder = AdapterFixture.empty(1)
                .config(
                        "{'peft_type':'LORA','r':1,'lora_alpha':1,'use_dora':true,'target_modules':['0.self_attn.v_proj']}")
                .tensor(AdapterFixture.a(V0), DType.F32, 1, 16, a)
                .tensor(AdapterFixture.b(V0), DType.F32, 8, 1, b)
                .magnitude(V0, DType.F32)
                .write(root.resolve("zero"));
        assertCode(
                () -> load(folder, Arena.ofAuto()),
                Code.INVALID,
                "at element 0, where the weights' norm is 0.0; their quotient must be finite");
    }

    @Test
    void read_ofADirectoryForAFile_isRefused() throws IOException {
        Path folder = AdapterFixture.sound(1).write(root.resolve("a"));
        Files.delete(folder.resolve("adapter_model.safetensors"));
        Files.createDirectory(folder.resolve("adapter_model.safetensors"));
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.INVALID, "adapter_model.safetensors: not a regular file");
        Files.delete(folder.resolve(PeftConfig.FILE_NAME));
        Files.createDirectory(folder.resolve(PeftConfig.FILE_NAME));
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.INVALID, "adapter_config.json: is not a regular file");
    }

    private static AdapterFixture headAndEmbedding(AdapterFixture fixture) {
        return fixture.config("{'peft_type':'LORA','r':2,'lora_alpha':1,'target_modules':['lm_head','embed_tokens']}")
                .pair(HEAD, 2, DType.F16)
                .pair(EMBEDDING, 2, DType.F16);
    }

    private static LoraSlot load(Path folder, Arena arena) {
        Digest digest = PeftAdapter.read(folder, BASE).digest();
        return PeftAdapter.load(folder, BASE, digest, AdapterMemory.in(arena, digest));
    }

    @Test
    void read_ofOneAndOfShardedFiles_givesOneDigest() throws IOException {
        Path one = AdapterFixture.sound(1).write(root.resolve("one"));
        Path sharded = Files.createDirectories(root.resolve("sharded"));
        Files.copy(one.resolve(PeftConfig.FILE_NAME), sharded.resolve(PeftConfig.FILE_NAME));
        AdapterFixture first = AdapterFixture.sound(1);
        AdapterFixture second = AdapterFixture.sound(1);
        var index = new StringBuilder();
        try (SafetensorsFile file = SafetensorsFile.open(one.resolve("adapter_model.safetensors"))) {
            for (String name : file.tensors().keySet()) {
                boolean inFirst = name.contains("lora_A");
                (inFirst ? second : first).remove(name);
                index.append(index.isEmpty() ? "" : ",")
                        .append("\"%s\":\"s%d.safetensors\"".formatted(name, inFirst ? 1 : 2));
            }
        }
        Files.write(sharded.resolve("s1.safetensors"), first.weightBytes());
        Files.write(sharded.resolve("s2.safetensors"), second.weightBytes());
        Files.writeString(sharded.resolve("adapter_model.safetensors.index.json"), "{\"weight_map\":{" + index + "}}");
        assertThat(PeftAdapter.read(sharded, BASE).digest())
                .isEqualTo(PeftAdapter.read(one, BASE).digest());
        assertThat(PeftAdapter.weightFiles(sharded)).hasSize(3);
    }

    @Test
    void digest_ofAnyChange_differs() {
        var digest = PeftAdapter.read(AdapterFixture.sound(1).write(root.resolve("a")), BASE)
                .digest();
        assertThat(List.of(
                        AdapterFixture.sound(2),
                        AdapterFixture.sound(1).config("{'lora_alpha':9}"),
                        AdapterFixture.sound(1).config("{'use_rslora':true}"),
                        AdapterFixture.sound(1).config("{'target_modules':['v_proj','self_attn.q_proj']}")))
                .allSatisfy(other -> assertThat(PeftAdapter.read(other.write(root.resolve("b")), BASE)
                                .digest())
                        .isNotEqualTo(digest));
        AdapterFixture same = AdapterFixture.sound(1)
                .config("{'lora_alpha':8.0,'lora_dropout':0.3,'target_modules':['v_proj','q_proj','v_proj']}");
        assertThat(PeftAdapter.read(same.write(root.resolve("c")), BASE).digest())
                .isEqualTo(digest);
    }

    @Test
    void load_ofChangedFiles_isRefused() {
        Path folder = AdapterFixture.sound(1).write(root.resolve("a"));
        PeftAdapter adapter = PeftAdapter.read(folder, BASE);
        AdapterFixture.sound(2).write(folder);
        assertCode(
                () -> PeftAdapter.load(
                        folder, BASE, adapter.digest(), AdapterMemory.in(Arena.ofAuto(), adapter.digest())),
                Code.CHANGED,
                "registered " + adapter.digest());
        AdapterFixture.sound(1).config("{'lora_alpha':9}").write(folder);
        assertCode(
                () -> PeftAdapter.load(
                        folder, BASE, adapter.digest(), AdapterMemory.in(Arena.ofAuto(), adapter.digest())),
                Code.CHANGED,
                "files were changed since registration");
    }

    static Stream<Arguments> refusals() {
        return Stream.of(
                unsupported("{'peft_type':'IA3'}", "peft_type 'IA3'"),
                unsupported("{'task_type':'SEQ_CLS'}", "task_type 'SEQ_CLS'"),
                invalid("{'use_dora':true}", "q_proj.lora_magnitude_vector' of shape [16] is missing"),
                invalid("{'use_dora':1}", "use_dora must be true or false"),
                invalid("{'ensure_weight_tying':1}", "ensure_weight_tying must be true or false"),
                unsupported("{'bias':'all'}", "bias 'all'"),
                unsupported("{'bias':'lora_only'}", "bias 'lora_only'"),
                unsupported(
                        "{'modules_to_save':['lm_head','score']}",
                        "modules_to_save 'score' is not served; allowed: lm_head, embed_tokens, model.embed_tokens"),
                unsupported("{'modules_to_save':['input_layernorm']}", "modules_to_save 'input_layernorm'"),
                invalid("{'modules_to_save':'lm_head'}", "modules_to_save must be a list of names"),
                invalid("{'modules_to_save':[1]}", "modules_to_save must be a list of strings"),
                invalid(
                        "{'modules_to_save':['lm_head']}",
                        "'base_model.model.lm_head.weight' of shape [40, 16] is missing, although modules_to_save"),
                unsupported("{'lora_bias':true}", "'lora_bias'"),
                unsupported("{'fan_in_fan_out':true}", "'fan_in_fan_out'"),
                unsupported("{'init_lora_weights':'pissa'}", "init_lora_weights 'pissa'"),
                unsupported("{'init_lora_weights':'pissa_niter_16'}", "init_lora_weights 'pissa_niter_16'"),
                unsupported("{'init_lora_weights':'olora'}", "init_lora_weights 'olora'"),
                unsupported("{'init_lora_weights':'loftq'}", "init_lora_weights 'loftq'"),
                unsupported("{'init_lora_weights':'corda'}", "init_lora_weights 'corda'"),
                unsupported("{'init_lora_weights':'lora_ga'}", "init_lora_weights 'lora_ga'"),
                unsupported("{'init_lora_weights':'brand_new'}", "init_lora_weights 'brand_new'"),
                unsupported("{'trainable_token_indices':[1]}", "'trainable_token_indices'"),
                unsupported("{'megatron_config':{'a':1}}", "'megatron_config'"),
                unsupported("{'target_parameters':['x']}", "'target_parameters'"),
                unsupported("{'use_qalora':true}", "'use_qalora'"),
                unsupported("{'alora_invocation_tokens':[]}", "'alora_invocation_tokens'"),
                unsupported("{'layer_replication':[[0,1]]}", "'layer_replication'"),
                unsupported("{'velora_config':{'scale':1}}", "'velora_config'"),
                unsupported("{'kasa_config':{'beta':1}}", "'kasa_config'"),
                unsupported("{'use_bdlora':{'nblocks':1}}", "'use_bdlora'"),
                unsupported("{'arrow_config':{'top_k':1}}", "'arrow_config'"),
                unsupported("{'monteclora_config':{'a':1}}", "'monteclora_config'"),
                unsupported("{'use_tomorrow':'yes'}", "'use_tomorrow' with value '\"yes\"'"),
                invalid(
                        "{'target_modules':['q_proj','v_proj','lm_head']}",
                        "'base_model.model.lm_head.lora_A.weight' of shape [4, 16] is missing"),
                invalid(
                        "{'target_modules':['q_proj','v_proj','embed_tokens']}",
                        "'base_model.model.model.embed_tokens.lora_embedding_A' of shape [4, 40] is missing"),
                unsupported("{'layers_to_transform':[0],'layers_pattern':'(a|b)'}", "layers_pattern"),
                invalid("{'r':0}", "r is '0'; allowed: a rank from 1 to 512"),
                invalid("{'r':513}", "r is '513'"),
                invalid("{'r':4.5}", "r is '4.5'"),
                invalid("{'r':'4'}", "r is '\"4\"'"),
                invalid("{'lora_alpha':'8'}", "lora_alpha is"),
                invalid("{'lora_alpha':1e99}", "lora_alpha is"),
                invalid("{'use_rslora':1}", "use_rslora must be true or false"),
                invalid("{'target_modules':null}", "target_modules must be"),
                invalid("{'target_modules':[]}", "target_modules must be"),
                invalid("{'target_modules':7}", "target_modules must be"),
                invalid("{'target_modules':[7]}", "target_modules must be a list of strings"),
                invalid("{'target_modules':['nothing']}", "which the config does not target"),
                invalid("{'target_modules':'('}", "target_modules is not a regular expression"),
                invalid("{'target_modules':'(?P<a>.*)q_proj'}", "read differently outside Python"),
                invalid("{'target_modules':'.*.*.*.*.*.*.*.*.*!'}", "takes more than 200000 steps"),
                invalid("{'target_modules':'.*q_proj','layers_to_transform':[0]}", "need target_modules to be a list"),
                invalid("{'layers_pattern':'layers'}", "layers_pattern needs layers_to_transform"),
                invalid("{'layers_to_transform':[-1]}", "layers_to_transform must be"),
                invalid("{'layers_to_transform':[0]}", "which the config does not target"),
                invalid("{'rank_pattern':{'q_proj':0}}", "rank_pattern 'q_proj' is '0'"),
                invalid("{'rank_pattern':['q_proj']}", "rank_pattern must be an object"),
                invalid("{'rank_pattern':{'(':4}}", "rank_pattern key '(' is not a regular expression"),
                invalid("{'alpha_pattern':{'q_proj':'a'}}", "alpha_pattern 'q_proj' is"),
                invalid("{'rank_pattern':{'q_proj':5}}", "lora_A.weight' has shape [4, 16], expected [5, 16]"),
                invalid("{'r':8}", "has shape [4, 16], expected [8, 16] [rank, inputs]"),
                invalid("{'exclude_modules':['q_proj']}", "which the config does not target"),
                invalid(
                        "{'target_modules':['q_proj','v_proj','o_proj']}",
                        "o_proj.lora_A.weight' of shape [4, 16] is missing"),
                spoilt(
                        "only A",
                        fixture -> fixture.remove(AdapterFixture.b(Q0)),
                        Code.INVALID,
                        "'" + AdapterFixture.b(Q0) + "' of shape [16, 4] is missing"),
                spoilt(
                        "only B",
                        fixture -> fixture.remove(AdapterFixture.a(V0)),
                        Code.INVALID,
                        "'" + AdapterFixture.a(V0) + "' of shape [4, 16] is missing"),
                spoilt(
                        "B transposed",
                        fixture -> fixture.tensor(AdapterFixture.b(V0), DType.F32, 4, 8),
                        Code.INVALID,
                        "'" + AdapterFixture.b(V0) + "' has shape [4, 8], expected [8, 4] [outputs, rank]"),
                spoilt(
                        "flat",
                        fixture -> fixture.tensor(AdapterFixture.a(V0), DType.U8, new long[] {64}, new byte[64]),
                        Code.INVALID,
                        "stored as U8; allowed: F32, F16, BF16"),
                spoilt(
                        "both names",
                        fixture -> fixture.tensor(
                                AdapterFixture.a(V0).replace("A.weight", "A.default.weight"), DType.F32, 4, 16),
                        Code.INVALID,
                        "are the same part of one module"),
                spoilt(
                        "unclaimed",
                        fixture -> fixture.tensor("model.extra.weight", DType.F32, 1, 1),
                        Code.INVALID,
                        "tensor 'model.extra.weight' of shape [1, 1] is no part of a low-rank pair"),
                spoilt(
                        "no such layer",
                        fixture ->
                                fixture.tensor(AdapterFixture.a("model.layers.7.self_attn.q_proj"), DType.F32, 4, 16),
                        Code.INVALID,
                        "model.layers.7.self_attn.q_proj.lora_A.weight' of shape [4, 16] is no part"),
                spoilt(
                        "resized vocabulary",
                        fixture -> fixture.config(SAVING).tensor(SAVED_HEAD, DType.F32, 41, 16),
                        Code.UNSUPPORTED,
                        "'base_model.model.lm_head.weight' of shape [41, 16] is of a resized vocabulary, which is not"
                                + " served: the base has 40 tokens"),
                spoilt(
                        "saved head of another width",
                        fixture -> fixture.config(SAVING).tensor(SAVED_HEAD, DType.F32, 40, 17),
                        Code.INVALID,
                        "of shape [40, 17] must have shape [40, 16], as the base's weight that it replaces"),
                spoilt(
                        "saved head of integers",
                        fixture -> fixture.config(SAVING)
                                .tensor(SAVED_HEAD, DType.I8, new long[] {40, 16}, new byte[40 * 16]),
                        Code.INVALID,
                        "is stored as I8; allowed: F32, F16, BF16"),
                spoilt(
                        "saved head with NaN",
                        fixture -> fixture.config(SAVING)
                                .tensor(SAVED_HEAD, DType.F16, 40, 16, filled(640, 639, Float.NaN)),
                        Code.INVALID,
                        "has NaN at element 639; weights must be finite"),
                spoilt(
                        "saved head beyond bf16",
                        fixture -> fixture.config(SAVING)
                                .tensor(SAVED_HEAD, DType.F32, 40, 16, filled(640, 5, Float.MAX_VALUE)),
                        Code.INVALID,
                        "at element 5; the largest weight in bf16 is"),
                spoilt(
                        "whole head that the config does not name",
                        fixture -> fixture.tensor(SAVED_HEAD, DType.F32, 40, 16),
                        Code.INVALID,
                        "'base_model.model.lm_head.weight' of shape [40, 16] is no part"),
                spoilt(
                        "pair on a saved head",
                        fixture -> fixture.config(SAVING)
                                .tensor(SAVED_HEAD, DType.F32, 40, 16)
                                .pair(HEAD, 4, DType.F32),
                        Code.INVALID,
                        "belongs to lm_head, which the config does not target"),
                spoilt(
                        "DoRA tensor",
                        fixture ->
                                fixture.tensor("base_model.model." + Q0 + ".lora_magnitude_vector", DType.F32, 16, 1),
                        Code.INVALID,
                        "belongs to DoRA, which the config does not use"),
                spoilt(
                        "bias tensor",
                        fixture -> fixture.tensor("base_model.model." + Q0 + ".lora_B.bias", DType.F32, 16, 1),
                        Code.UNSUPPORTED,
                        "belongs to lora_bias"),
                spoilt(
                        "embedding tensor",
                        fixture -> fixture.tensor(
                                "base_model.model.model.embed_tokens.lora_embedding_A", DType.F32, 4, 16),
                        Code.INVALID,
                        "belongs to model.embed_tokens, which the config does not target"),
                spoilt(
                        "NaN",
                        fixture -> fixture.tensor(AdapterFixture.a(Q0), DType.F16, 4, 16, filled(64, 7, Float.NaN)),
                        Code.INVALID,
                        "'" + AdapterFixture.a(Q0) + "' of shape [4, 16] has NaN at element 7"),
                spoilt(
                        "infinite",
                        fixture -> fixture.tensor(
                                AdapterFixture.b(Q0), DType.BF16, 16, 4, filled(64, 63, Float.NEGATIVE_INFINITY)),
                        Code.INVALID,
                        "has -Infinity at element 63"),
                spoilt(
                        "too large",
                        fixture ->
                                fixture.tensor(AdapterFixture.b(Q0), DType.F32, 16, 4, filled(64, 0, Float.MAX_VALUE)),
                        Code.INVALID,
                        "largest weight in bf16"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void read_ofWhatCannotBeHonoured_isRefusedByName(
            String name, Consumer<AdapterFixture> spoil, Code code, String expected) {
        AdapterFixture fixture = AdapterFixture.sound(1);
        spoil.accept(fixture);
        Path folder = fixture.write(root.resolve("spoilt"));
        assertCode(() -> PeftAdapter.read(folder, BASE), code, expected);
        assertThatThrownBy(() -> PeftAdapter.read(folder, BASE)).hasMessageNotContaining(root.toString());
    }

    @Test
    void read_ofFieldsWithoutEffect_isSound() {
        Path folder = AdapterFixture.sound(1)
                .config("{'init_lora_weights':'eva','eva_config':{'rho':2},'corda_config':{'a':1},'loftq_config':{},"
                        + "'megatron_core':'megatron.core','qalora_group_size':16,'auto_mapping':null,"
                        + "'revision':'main','ensure_weight_tying':false,'use_something_else':false,"
                        + "'base_model_name_or_path':'x','peft_version':'9.9','alora_invocation_tokens':null}")
                .write(root.resolve("a"));
        assertThat(PeftAdapter.read(folder, BASE).digest())
                .isEqualTo(PeftAdapter.read(AdapterFixture.sound(1).write(root.resolve("b")), BASE)
                        .digest());
    }

    @Test
    void read_ofAPickle_isRefusedByName() throws IOException {
        Path folder = AdapterFixture.sound(1).write(root.resolve("pickle"));
        Files.move(folder.resolve("adapter_model.safetensors"), folder.resolve("adapter_model.bin"));
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.UNSUPPORTED, "adapter_model.bin is a pickle file");
        Files.delete(folder.resolve("adapter_model.bin"));
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.INVALID, "neither adapter_model.safetensors nor");
        Files.writeString(folder.resolve(PeftConfig.FILE_NAME), "{\"r\":1,\"r\":2}");
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.INVALID, "Duplicate field 'r'");
        Files.writeString(folder.resolve(PeftConfig.FILE_NAME), "[]");
        assertCode(() -> PeftAdapter.read(folder, BASE), Code.INVALID, "must be a JSON object");
    }

    private static float element(LoraModule module, long offsetBytes) {
        return Bf16.toFloat(module.weights().get(ValueLayout.JAVA_SHORT, offsetBytes));
    }

    private static float[] filled(int size, int index, float value) {
        var values = new float[size];
        values[index] = value;
        return values;
    }

    private static Arguments unsupported(String fields, String expected) {
        return spoilt(fields, fixture -> fixture.config(fields), Code.UNSUPPORTED, expected);
    }

    private static Arguments invalid(String fields, String expected) {
        return spoilt(fields, fixture -> fixture.config(fields), Code.INVALID, expected);
    }

    private static Arguments spoilt(String name, Consumer<AdapterFixture> spoil, Code code, String expected) {
        return Arguments.of(name, spoil, code, expected);
    }

    private static void assertCode(ThrowingCallable call, Code code, String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }
}
