package org.openlora.adapters.registry;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.peft.PeftConfig;
import org.openlora.kernels.LoraSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The adapters under one root: each folder with an `adapter_config.json`, by its folder's name and by its
/// digest.
///
/// A bad adapter fails its own requests only: it is listed as [AdapterEntry.Failed] with its reason. [#refresh]
/// reads folders that are new or changed; a changed one becomes a new version with a new digest, while leases on
/// the old one go on undisturbed, for they hold memory and not files. Look-ups see one consistent scan and never
/// wait. Thread-safe.
public final class AdapterRegistry implements AdapterSource {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterRegistry.class);

    /// Without a fingerprint it is read again at the next scan.
    private record Scanned(AdapterEntry entry, @Nullable FolderFingerprint fingerprint) {}

    private record Snapshot(SortedMap<String, Scanned> byName, Map<Digest, AdapterVersion> byDigest) {
        Snapshot(SortedMap<String, Scanned> byName) {
            this(byName, new HashMap<>());
            for (Scanned scanned : byName.values()) {
                if (scanned.entry() instanceof AdapterEntry.Ready ready) {
                    byDigest.putIfAbsent(ready.version().digest(), ready.version());
                }
            }
        }
    }

    private final Path root;
    private final BaseWeights base;
    private final ReentrantLock refreshing = new ReentrantLock();
    private volatile Snapshot snapshot = new Snapshot(new TreeMap<>(Utf8.BYTE_ORDER));

    /// Scans `root` at once; throws [AdapterException] where it is no folder that can be listed.
    public AdapterRegistry(Path root, BaseWeights base) {
        this.root = root;
        this.base = base;
        refresh();
    }

    /// Reads what is new or changed under the root and forgets what is gone; returns what there is now.
    public List<AdapterEntry> refresh() {
        refreshing.lock();
        try {
            var scanned = new TreeMap<String, Scanned>(Utf8.BYTE_ORDER);
            for (AdapterFolder folder : folders()) {
                scanned.put(folder.name(), scan(folder));
            }
            snapshot = new Snapshot(scanned);
        } finally {
            refreshing.unlock();
        }
        return entries();
    }

    /// All adapters by name, in the byte order of their names, those that failed among them.
    public List<AdapterEntry> entries() {
        return snapshot.byName().values().stream().map(Scanned::entry).toList();
    }

    /// The current version of a name; throws [AdapterException] with its reason, or `NOT_FOUND` with the nearest
    /// names.
    public AdapterVersion find(String name) {
        Snapshot current = snapshot;
        Scanned scanned = current.byName().get(name);
        if (scanned == null) {
            throw AdapterNames.unknown(name, current.byName().keySet());
        }
        return switch (scanned.entry()) {
            case AdapterEntry.Ready ready -> ready.version();
            case AdapterEntry.Failed failed ->
                throw new AdapterException(
                        failed.reason().code(),
                        "adapter " + OneLine.quote(name) + " cannot be served: "
                                + failed.reason().getMessage(),
                        failed.reason());
        };
    }

    /// The adapter of this content; of several names with the same content the first. Throws `NOT_FOUND`.
    public AdapterVersion find(Digest digest) {
        AdapterVersion version = snapshot.byDigest().get(digest);
        if (version == null) {
            throw new AdapterException(Code.NOT_FOUND, "no adapter with digest " + digest + " is registered");
        }
        return version;
    }

    @Override
    public long residentBytes(Digest adapter) {
        return find(adapter).adapter().residentBytes();
    }

    @Override
    public LoraSlot load(Digest adapter, Arena arena) {
        AdapterVersion version = find(adapter);
        try {
            return PeftAdapter.load(root.resolve(version.name()), base, adapter, arena);
        } catch (AdapterException e) {
            throw new AdapterException(e.code(), "adapter " + OneLine.quote(version.name()) + ": " + e.getMessage(), e);
        }
    }

    private List<AdapterFolder> folders() {
        try {
            Path realRoot = root.toRealPath();
            var folders = new ArrayList<AdapterFolder>();
            try (DirectoryStream<Path> directories = Files.newDirectoryStream(realRoot, Files::isDirectory)) {
                for (Path directory : directories) {
                    boolean hidden = directory.getFileName().toString().startsWith(".");
                    if (!hidden && Files.exists(directory.resolve(PeftConfig.FILE_NAME), LinkOption.NOFOLLOW_LINKS)) {
                        folders.add(new AdapterFolder(realRoot, directory));
                    }
                }
            }
            return folders;
        } catch (IOException e) {
            throw new AdapterException(
                    Code.NOT_FOUND, "adapter root " + root + " is not a folder that can be listed", e);
        }
    }

    private Scanned scan(AdapterFolder folder) {
        Scanned known = snapshot.byName().get(folder.name());
        try {
            FolderFingerprint fingerprint = FolderFingerprint.of(folder.files()).orElse(null);
            if (known != null && fingerprint != null && fingerprint.equals(known.fingerprint())) {
                return known;
            }
            AdapterVersion version = folder.read(base);
            LOG.info("adapter {} is {}", OneLine.quote(version.name()), version.digest());
            return new Scanned(new AdapterEntry.Ready(version), fingerprint);
        } catch (AdapterException e) {
            LOG.warn("adapter {} cannot be served: {}", OneLine.quote(folder.name()), e.getMessage());
            return new Scanned(new AdapterEntry.Failed(folder.name(), e), null);
        }
    }
}
