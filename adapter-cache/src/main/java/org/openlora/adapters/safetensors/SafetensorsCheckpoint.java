package org.openlora.adapters.safetensors;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;

/// The tensors of `<name>.safetensors`, or of the shards that `<name>.safetensors.index.json` lists, as one
/// source.
///
/// Index and shards must agree exactly: each listed tensor in the shard named for it, none in a shard that the
/// index does not list there. Shards lie beside the index; a path in it is refused.
public final class SafetensorsCheckpoint implements TensorSource {
    private static final long MAX_INDEX_BYTES = 64L << 20;
    private static final int MAX_SHARDS = 10_000;

    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Collection<SafetensorsFile> shards;
    private final SortedMap<String, TensorInfo> tensors;
    private final Map<String, SafetensorsFile> shardOfTensor;

    private SafetensorsCheckpoint(Collection<SafetensorsFile> shards) {
        this.shards = List.copyOf(shards);
        this.shardOfTensor = new HashMap<>();
        var all = new TreeMap<String, TensorInfo>(Utf8.BYTE_ORDER);
        for (SafetensorsFile shard : shards) {
            shard.tensors().forEach((name, info) -> {
                all.put(name, info);
                shardOfTensor.put(name, shard);
            });
        }
        this.tensors = Collections.unmodifiableSortedMap(all);
    }

    /// Opens `directory/<baseName>.safetensors` or, where that is missing,
    /// `directory/<baseName>.safetensors.index.json`.
    public static SafetensorsCheckpoint open(Path directory, String baseName) {
        List<Path> files = files(directory, baseName);
        Path first = files.getFirst();
        if (files.size() == 1) {
            return new SafetensorsCheckpoint(List.of(SafetensorsFile.open(first)));
        }
        return openSharded(directory, first);
    }

    /// The files that [#open] would read, the index first if there is one; throws [SafetensorsException] where
    /// there is neither form or the index is refused.
    public static List<Path> files(Path directory, String baseName) {
        Path single = directory.resolve(baseName + ".safetensors");
        if (Files.exists(single)) {
            return List.of(single);
        }
        Path index = directory.resolve(baseName + ".safetensors.index.json");
        if (!Files.exists(index)) {
            throw new SafetensorsException(
                    directory + ": neither " + single.getFileName() + " nor " + index.getFileName() + " is there");
        }
        var files = new ArrayList<Path>(List.of(index));
        new TreeSet<>(readIndex(index).values()).forEach(shard -> files.add(directory.resolve(shard)));
        return files;
    }

    @Override
    public SortedMap<String, TensorInfo> tensors() {
        return tensors;
    }

    @Override
    public MemorySegment data(String name) {
        info(name);
        SafetensorsFile shard = shardOfTensor.get(name);
        if (shard == null) {
            throw new AssertionError("tensor " + name + " has no shard");
        }
        return shard.data(name);
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }

    private static SafetensorsCheckpoint openSharded(Path directory, Path index) {
        SortedMap<String, String> weightMap = readIndex(index);
        var shards = new TreeMap<String, SafetensorsFile>();
        try {
            for (String file : weightMap.values()) {
                if (!shards.containsKey(file)) {
                    shards.put(file, openShard(directory, index, file));
                }
            }
            checkAgreement(index, weightMap, shards);
            return new SafetensorsCheckpoint(shards.values());
        } catch (RuntimeException | Error e) {
            shards.values().forEach(SafetensorsFile::close);
            throw e;
        }
    }

    private static SafetensorsFile openShard(Path directory, Path index, String file) {
        Path shard = directory.resolve(file);
        if (!Files.isRegularFile(shard)) {
            throw new SafetensorsException(index + ": shard " + OneLine.quote(file) + " is missing");
        }
        return SafetensorsFile.open(shard);
    }

    private static void checkAgreement(
            Path index, SortedMap<String, String> weightMap, Map<String, SafetensorsFile> shards) {
        weightMap.forEach((tensor, file) -> {
            SafetensorsFile shard = shards.get(file);
            if (shard == null || !shard.has(tensor)) {
                throw new SafetensorsException(
                        index + ": tensor " + OneLine.quote(tensor) + " is not in its shard " + OneLine.quote(file));
            }
        });
        shards.forEach((file, shard) -> shard.tensors().keySet().forEach(tensor -> {
            if (!file.equals(weightMap.get(tensor))) {
                throw new SafetensorsException(index + ": shard " + OneLine.quote(file) + " holds tensor "
                        + OneLine.quote(tensor) + ", which the index does not list there");
            }
        }));
    }

    private static SortedMap<String, String> readIndex(Path index) {
        JsonNode weightMap = readJson(index).path("weight_map");
        if (!weightMap.isObject() || weightMap.isEmpty()) {
            throw new SafetensorsException(index + ": weight_map must be an object of tensor names to file names");
        }
        var files = new TreeMap<String, String>(Utf8.BYTE_ORDER);
        var distinct = new HashSet<String>();
        weightMap.properties().forEach(entry -> {
            files.put(entry.getKey(), shardName(index, entry.getKey(), entry.getValue()));
            distinct.add(entry.getValue().textValue());
        });
        if (distinct.size() > MAX_SHARDS) {
            throw new SafetensorsException(index + ": more than " + MAX_SHARDS + " shards");
        }
        return files;
    }

    private static JsonNode readJson(Path index) {
        try {
            if (Files.size(index) > MAX_INDEX_BYTES) {
                throw new SafetensorsException(index + ": longer than " + MAX_INDEX_BYTES + " bytes");
            }
            return JSON.readTree(Files.readAllBytes(index));
        } catch (IOException e) {
            throw new SafetensorsException(index + ": not a readable JSON index: " + OneLine.reason(e), e);
        }
    }

    /// A shard is a plain file name, so that an index from anywhere cannot point outside its folder.
    private static String shardName(Path index, String tensor, JsonNode value) {
        String file = value.isTextual() ? value.textValue() : "";
        boolean plain = file.endsWith(".safetensors")
                && file.chars().allMatch(c -> c > ' ' && c < 0x7f && "/\\:".indexOf(c) < 0)
                && !file.startsWith(".");
        if (!plain) {
            throw new SafetensorsException(index + ": tensor " + OneLine.quote(tensor) + " is said to be in "
                    + OneLine.quote(value.asText()) + "; a shard is a plain file name ending in .safetensors");
        }
        return file;
    }
}
