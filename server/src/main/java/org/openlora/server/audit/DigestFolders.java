package org.openlora.server.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.peft.PeftConfig;
import org.openlora.kernels.LoraSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Adapters by content alone, in the folders where a server keeps them: those of the adapter root, and those that were
/// fetched. Takes no lock and writes nothing, so it works beside a running server. Safe for use by many threads.
final class DigestFolders implements AdapterSource {
    private static final Logger log = LoggerFactory.getLogger(DigestFolders.class);

    private final Path root;
    private final Path fetched;
    private final BaseWeights base;
    private final Map<Digest, Found> found = new HashMap<>();
    private boolean scanned;

    private record Found(Path folder, AdapterSize size) {}

    /// @param root its sub-folders are adapters
    /// @param fetched its sub-folders are adapters, named by the digits of their digests
    DigestFolders(Path root, Path fetched, BaseWeights base) {
        this.root = root;
        this.fetched = fetched;
        this.base = base;
    }

    @Override
    public AdapterSize size(Digest adapter) {
        return find(adapter).size();
    }

    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        return PeftAdapter.load(find(adapter).folder(), base, adapter, memory);
    }

    private synchronized Found find(Digest adapter) {
        Found known = found.get(adapter);
        if (known == null) {
            known = look(adapter);
        }
        if (known == null) {
            throw new AdapterException(
                    AdapterException.Code.NOT_FOUND,
                    "no adapter with digest " + adapter + " lies in " + root + " or was fetched");
        }
        return known;
    }

    private @Nullable Found look(Digest adapter) {
        read(fetched.resolve(adapter.hex()));
        if (!found.containsKey(adapter) && !scanned) {
            scanned = true;
            try (Stream<Path> folders = Files.list(root)) {
                folders.sorted().forEach(this::read);
            } catch (IOException e) {
                throw new AdapterException(
                        AdapterException.Code.UNAVAILABLE, root + " cannot be read: " + e.getMessage(), e);
            }
        }
        return found.get(adapter);
    }

    private void read(Path folder) {
        if (!Files.exists(folder.resolve(PeftConfig.FILE_NAME))) {
            return;
        }
        try {
            PeftAdapter adapter = PeftAdapter.read(folder, base);
            found.put(adapter.digest(), new Found(folder, adapter.size()));
        } catch (AdapterException e) {
            log.info("{} is passed over: {}", folder, e.getMessage());
        }
    }
}
