package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.Digest;
import org.openlora.adapters.safetensors.DType;
import org.openlora.adapters.safetensors.SafetensorsWriter;

/// A folder's files and what becomes of them when they are read and loaded.
///
/// @param outcome [#READ], or the refusal as `CODE: message`
/// @param files by name
record AdapterCase(String outcome, Map<String, byte[]> files) {
    static final String READ = "read";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LONGEST_MESSAGE = 2000;

    /// Writes the files into an empty folder, reads and loads them. Fails where the refusal is not one clean line.
    static String outcome(Path folder, Map<String, byte[]> files) {
        write(folder, files);
        try (Arena arena = Arena.ofConfined()) {
            Digest digest = PeftAdapter.read(folder, BASE).digest();
            PeftAdapter.load(folder, BASE, digest, AdapterMemory.in(arena, digest));
            return READ;
        } catch (AdapterException e) {
            assertThat(e.getMessage())
                    .isNotBlank()
                    .doesNotContain(folder.toString())
                    .hasSizeLessThan(LONGEST_MESSAGE)
                    .matches(message -> message.codePoints().noneMatch(Character::isISOControl), "one line");
            return e.code() + ": " + e.getMessage();
        }
    }

    /// What refusals of one kind have in common: the message without names and numbers.
    static String kind(String outcome) {
        // Of what the JSON parser says only the first two words, for it quotes what it read.
        return outcome.replaceAll("(JSON: \\S+ \\S+).*", "$1")
                .replaceAll("'[^']*'|\\[[^\\]]*\\]", "…")
                .replaceAll("[-+]?[0-9][0-9.eE]*", "#");
    }

    /// Adapters that are sound: plain, sharded, weight-decomposed with head and embedding, with both saved whole, by
    /// expressions.
    static List<Map<String, byte[]>> sound(Path scratch) throws IOException {
        List<Map<String, byte[]>> all = new ArrayList<>();
        all.add(read(plain(DType.F32).write(scratch.resolve("plain"))));
        all.add(read(dora().write(scratch.resolve("dora"))));
        all.add(read(saved().write(scratch.resolve("saved"))));
        all.add(read(plain(DType.F16)
                .config("{'target_modules':'.*layers\\\\.0\\\\.self_attn\\\\.(q|v)_proj','use_rslora':true}")
                .write(scratch.resolve("expression"))));
        all.add(read(plain(DType.BF16)
                .config("{'rank_pattern':{'(q|v)_proj':2},'alpha_pattern':{'q_proj':3},'layers_to_transform':[0],"
                        + "'layers_pattern':'layers','exclude_modules':['o_proj'],'r':4}")
                .write(scratch.resolve("patterns"))));
        Map<String, byte[]> sharded = new TreeMap<>(all.getFirst());
        sharded.remove("adapter_model.safetensors");
        String q = "model.layers.0.self_attn.q_proj";
        String v = "model.layers.0.self_attn.v_proj";
        sharded.put(
                "s1.safetensors",
                plain(DType.F32)
                        .remove(AdapterFixture.a(v))
                        .remove(AdapterFixture.b(v))
                        .weightBytes());
        sharded.put(
                "s2.safetensors",
                plain(DType.F32)
                        .remove(AdapterFixture.a(q))
                        .remove(AdapterFixture.b(q))
                        .weightBytes());
        String index = Stream.of(q, v)
                .flatMap(module -> Stream.of(AdapterFixture.a(module), AdapterFixture.b(module)))
                .map(name -> "\"" + name + "\":\"" + (name.contains(q) ? "s1" : "s2") + ".safetensors\"")
                .collect(Collectors.joining(",", "{\"weight_map\":{", "}}"));
        sharded.put("adapter_model.safetensors.index.json", index.getBytes(StandardCharsets.UTF_8));
        all.add(sharded);
        return all;
    }

    private static AdapterFixture plain(DType dtype) {
        AdapterFixture fixture = AdapterFixture.empty(1)
                .config("{'peft_type':'LORA','task_type':'CAUSAL_LM','r':2,'lora_alpha':4,"
                        + "'target_modules':['layers.0.self_attn.q_proj','layers.0.self_attn.v_proj']}");
        return fixture.pair("model.layers.0.self_attn.q_proj", 2, dtype)
                .pair("model.layers.0.self_attn.v_proj", 2, dtype);
    }

    private static AdapterFixture dora() {
        return AdapterFixture.empty(2)
                .config("{'peft_type':'LORA','r':1,'lora_alpha':1,'use_dora':true,"
                        + "'target_modules':['lm_head','embed_tokens']}")
                .pair("lm_head", 1, DType.F16)
                .magnitude("lm_head", DType.F16)
                .pair("model.embed_tokens", 1, DType.F16)
                .magnitude("model.embed_tokens", DType.F16);
    }

    private static AdapterFixture saved() {
        return plain(DType.BF16)
                .config("{'modules_to_save':['embed_tokens','lm_head']}")
                .tensor("base_model.model.lm_head.weight", DType.F16, 40, 16)
                .tensor("base_model.model.model.embed_tokens.weight", DType.F32, 40, 16);
    }

    /// The cases of a corpus, one JSON object a line.
    static List<AdapterCase> corpus(List<String> lines) {
        return lines.stream()
                .filter(line -> !line.isBlank())
                .map(AdapterCase::parse)
                .toList();
    }

    /// Appends those cases whose kind the corpus has not yet.
    static void addNew(Path corpus, Map<String, AdapterCase> byKind) throws IOException {
        List<String> lines = new ArrayList<>(Files.exists(corpus) ? Files.readAllLines(corpus) : List.of());
        var known = new TreeSet<String>();
        corpus(lines).forEach(old -> known.add(kind(old.outcome())));
        byKind.forEach((kind, found) -> {
            if (known.add(kind)) {
                lines.add(found.toLine());
            }
        });
        Files.write(corpus, lines);
    }

    private String toLine() {
        ObjectNode line = JSON.createObjectNode().put("outcome", outcome);
        ObjectNode encoded = line.putObject("files");
        files.forEach((name, bytes) -> encoded.put(name, Base64.getEncoder().encodeToString(deflated(bytes))));
        return line.toString();
    }

    private static AdapterCase parse(String line) {
        try {
            var tree = JSON.readTree(line);
            Map<String, byte[]> files = new TreeMap<>();
            for (var entry : tree.get("files").properties()) {
                byte[] deflated = Base64.getDecoder().decode(entry.getValue().textValue());
                files.put(entry.getKey(), new InflaterInputStream(new ByteArrayInputStream(deflated)).readAllBytes());
            }
            return new AdapterCase(tree.get("outcome").textValue(), files);
        } catch (IOException e) {
            throw new UncheckedIOException(line, e);
        }
    }

    private static byte[] deflated(byte[] bytes) {
        var out = new ByteArrayOutputStream();
        try (var deflater = new DeflaterOutputStream(out, new Deflater(Deflater.BEST_COMPRESSION))) {
            deflater.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static Map<String, byte[]> read(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> listed = Files.list(folder)) {
            for (Path file : listed.toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private static void write(Path folder, Map<String, byte[]> files) {
        try {
            Files.createDirectories(folder);
            try (Stream<Path> old = Files.list(folder)) {
                for (Path file : old.toList()) {
                    Files.delete(file);
                }
            }
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                SafetensorsWriter.write(folder.resolve(file.getKey()), file.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
