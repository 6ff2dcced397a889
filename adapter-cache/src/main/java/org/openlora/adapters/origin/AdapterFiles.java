package org.openlora.adapters.origin;

import java.util.Collection;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;

/// Which files make up an adapter, whatever else lies beside them.
final class AdapterFiles {
    static final String CONFIG = "adapter_config.json";
    static final String MANIFEST = "adapter.yaml";
    static final String WEIGHTS = "adapter_model.safetensors";
    static final String INDEX = "adapter_model.safetensors.index.json";

    /// Shards have any plain name that the index may give them; hidden files and paths are none.
    private static final Pattern SHARD = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,180}\\.safetensors");

    private static final Pattern PICKLE = Pattern.compile(".*\\.(bin|pt|pth|ckpt|pkl|pickle)");

    private AdapterFiles() {}

    /// The files to fetch of those that are there: config, manifest if there is one, and the weights in one file, or
    /// index and all that may be shards. Throws [AdapterException] where config or weights are missing.
    static SortedSet<String> select(Collection<String> names) {
        var chosen = new TreeSet<String>();
        require(names.contains(CONFIG), "there is no " + CONFIG);
        chosen.add(CONFIG);
        if (names.contains(MANIFEST)) {
            chosen.add(MANIFEST);
        }
        if (names.contains(WEIGHTS)) {
            chosen.add(WEIGHTS);
        } else if (names.contains(INDEX)) {
            chosen.add(INDEX);
            names.stream().filter(AdapterFiles::isShard).forEach(chosen::add);
        } else {
            names.stream().filter(name -> PICKLE.matcher(name).matches()).sorted().findFirst().ifPresent(pickle -> {
                throw new AdapterException(
                        Code.UNSUPPORTED,
                        OneLine.quote(pickle) + " is a pickle file, which can run code when read; allowed: " + WEIGHTS);
            });
            throw new AdapterException(Code.INVALID, "there is neither " + WEIGHTS + " nor " + INDEX);
        }
        return chosen;
    }

    /// Throws [AdapterException] unless these are the files of an adapter and nothing else.
    static void check(Collection<String> names) {
        for (String name : names) {
            boolean known = name.equals(CONFIG) || name.equals(MANIFEST) || name.equals(INDEX) || isShard(name);
            if (PICKLE.matcher(name).matches()) {
                throw new AdapterException(
                        Code.UNSUPPORTED,
                        OneLine.quote(name) + " is a pickle file, which can run code when read; allowed: " + WEIGHTS);
            }
            require(
                    known,
                    OneLine.quote(name) + " is no file of an adapter; allowed: " + CONFIG + ", " + MANIFEST + ", "
                            + WEIGHTS + ", or " + INDEX + " and its shards");
        }
        SortedSet<String> needed = select(names);
        require(
                needed.containsAll(names),
                "there are shards beside " + WEIGHTS + "; allowed: one file, or " + INDEX + " and its shards");
    }

    static boolean isShard(String name) {
        return SHARD.matcher(name).matches() && !name.contains("..");
    }

    private static void require(boolean held, String otherwise) {
        if (!held) {
            throw new AdapterException(Code.INVALID, "adapter origin: " + otherwise);
        }
    }
}
