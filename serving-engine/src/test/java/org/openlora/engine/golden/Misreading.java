package org.openlora.engine.golden;

import java.util.function.Consumer;
import java.util.stream.Stream;
import org.openlora.adapters.safetensors.DType;

/// One way to misread a feature of PEFT, said on disk: an adapter so changed must not pass for the golden one.
///
/// @param adapter of the golden fixture
/// @param edit writes down what the wrong reader would understand
record Misreading(String name, String adapter, Consumer<EditableAdapter> edit) {
    private static final String LAYER_2 = ".layers.2.";

    /// For the features that both bases have.
    static Stream<Misreading> all() {
        return Stream.of(
                new Misreading("rank padded to 8, scaling by 8", "rank-7", adapter -> {
                    adapter.resize(8);
                    adapter.config("{'r':8}");
                }),
                new Misreading("rank cut to 4", "rank-7", adapter -> {
                    adapter.resize(4);
                    adapter.config("{'r':4}");
                }),
                new Misreading("rank 1 padded to 2", "rank-1", adapter -> {
                    adapter.resize(2);
                    adapter.config("{'r':2}");
                }),
                new Misreading("alternatives of the expression lost", "regex", adapter -> {
                    adapter.config("{'target_modules':'.*q_proj'}");
                    adapter.remove(name -> !name.contains("q_proj"));
                }),
                new Misreading("class of layers in the expression cut to its first", "regex", adapter -> {
                    adapter.config("{'target_modules':'model.layers.0.(self_attn.(q|o)|mlp.down)_proj'}");
                    adapter.remove(name -> name.contains(LAYER_2));
                }),
                new Misreading("layers counted from one", "layers", adapter -> {
                    adapter.config("{'layers_to_transform':[0,2]}");
                    adapter.rename(name -> inLayer(inLayer(name, 1, 0), 3, 2));
                }),
                new Misreading("first of the layers only", "layers", adapter -> {
                    adapter.config("{'layers_to_transform':[1]}");
                    adapter.remove(name -> name.contains(".layers.3."));
                }),
                new Misreading("one layer's index taken for another", "one-layer", adapter -> {
                    adapter.config("{'layers_to_transform':1}");
                    adapter.rename(name -> inLayer(name, 2, 1));
                }),
                new Misreading(
                        "last matching alpha key instead of the first",
                        "overlapping-keys",
                        adapter -> adapter.reverse("alpha_pattern")),
                new Misreading(
                        "alpha_pattern ignored", "overlapping-keys", adapter -> adapter.config("{'alpha_pattern':{}}")),
                new Misreading("rsLoRA ignored", "rslora", adapter -> adapter.config("{'use_rslora':false}")),
                new Misreading(
                        "alpha_pattern ignored under rsLoRA",
                        "rslora",
                        adapter -> adapter.config("{'alpha_pattern':{}}")),
                new Misreading("DoRA's magnitudes ignored", "dora", adapter -> {
                    adapter.config("{'use_dora':false}");
                    adapter.remove(name -> name.contains("magnitude"));
                }),
                new Misreading("DoRA's magnitudes ignored in bf16", "dora-bf16", adapter -> {
                    adapter.config("{'use_dora':false}");
                    adapter.remove(name -> name.contains("magnitude"));
                }),
                new Misreading(
                        "rsLoRA ignored under DoRA", "dora-bf16", adapter -> adapter.config("{'use_rslora':false}")),
                new Misreading("f16 read as bf16", "regex", adapter -> adapter.readAs(DType.BF16)),
                new Misreading("bf16 read as f16", "one-layer", adapter -> adapter.readAs(DType.F16)),
                new Misreading("second shard lost", "sharded", adapter -> {
                    adapter.config("{'layers_to_transform':[0]}");
                    adapter.remove(name -> name.contains(".layers.1."));
                }));
    }

    /// For the features that only the embedded model's fixture has.
    static Stream<Misreading> ofEmbeddedModel() {
        return Stream.of(
                new Misreading("all-linear without the MLP", "all-linear", adapter -> {
                    adapter.config("{'target_modules':['q_proj','k_proj','v_proj','o_proj']}");
                    adapter.remove(name -> name.contains("mlp"));
                }),
                new Misreading("exclusion of the first layers instead", "excluded", adapter -> {
                    adapter.config("{'exclude_modules':'.*.layers.[02].self_attn.(q|v)_proj'}");
                    adapter.rename(name -> name.contains("o_proj") ? name : inLayer(inLayer(name, 0, 1), 2, 3));
                }),
                new Misreading("head ignored", "head", adapter -> {
                    adapter.config("{'target_modules':['q_proj']}");
                    adapter.remove(name -> name.contains("lm_head"));
                }),
                new Misreading("embedding ignored", "embedding", adapter -> {
                    adapter.config("{'target_modules':['v_proj']}");
                    adapter.remove(name -> name.contains("embed_tokens"));
                }),
                new Misreading("saved head ignored", "saved-head", adapter -> {
                    adapter.config("{'modules_to_save':null,'target_modules':['q_proj']}");
                    adapter.remove(name -> name.contains("lm_head"));
                }),
                new Misreading("pair beside the saved head ignored", "saved-head", adapter -> {
                    adapter.config("{'lora_alpha':0}");
                }),
                new Misreading("saved embedding ignored", "saved-embedding", adapter -> {
                    adapter.config("{'modules_to_save':null}");
                    adapter.remove(name -> name.contains("embed_tokens"));
                }),
                new Misreading("saved embedding taken for the tied head too", "saved-embedding", adapter -> {
                    adapter.config("{'modules_to_save':['embed_tokens','lm_head']}");
                    adapter.copy("base_model.model.model.embed_tokens.weight", "base_model.model.lm_head.weight");
                }),
                new Misreading("saved head taken for the tied embedding too", "saved-head", adapter -> {
                    adapter.config("{'modules_to_save':['embed_tokens','lm_head']}");
                    adapter.copy("base_model.model.lm_head.weight", "base_model.model.model.embed_tokens.weight");
                }),
                new Misreading("saved head and embedding exchanged", "saved-head-embedding", adapter -> {
                    adapter.rename(name -> name.endsWith("lm_head.weight")
                            ? "base_model.model.model.embed_tokens.weight"
                            : name.endsWith("embed_tokens.weight") ? "base_model.model.lm_head.weight" : name);
                }),
                new Misreading("magnitudes of head and embedding ignored", "dora-head-embedding", adapter -> {
                    adapter.config("{'use_dora':false}");
                    adapter.remove(name -> name.contains("magnitude"));
                }));
    }

    /// A tensor of layer `from` as one of layer `to`.
    private static String inLayer(String tensor, int from, int to) {
        return tensor.replace(".layers." + from + ".", ".layers." + to + ".");
    }

    @Override
    public String toString() {
        return name;
    }
}
