package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.kernels.LoraSlot;

/// Which adapters there are, by name and by digest: the folders under one root, which every tenant may use, and
/// what tenants registered, which they alone may use. A name is an alias: it stands for one content at a time,
/// and for another once its files have changed or something else was registered under it.
///
/// What is known survives the process, however it ends, so that folders are read again only where they look
/// changed. A bad adapter fails its own requests only: it is listed as [AdapterEntry.Failed] with its reason. A
/// changed one becomes a new version with a new digest, while leases on the old one go on undisturbed, for they
/// hold memory and not files. Look-ups neither wait nor touch the disk. Thread-safe.
public final class AdapterRegistry implements AdapterSource, AutoCloseable {
    private final RegistryOptions options;
    private final FolderReader reader;
    private final RegistryDatabase database;
    private final FetchedAdapters fetched;
    private final NameIndex index = new NameIndex();
    private final Registrar registrar;
    private final FolderScanner scanner;
    private final @Nullable FolderWatch watch;

    private AdapterRegistry(
            RegistryOptions options, AdapterStore store, AdapterFetcher fetcher, RegistryStep.Observer observer) {
        this.options = options;
        this.fetched = new FetchedAdapters(store, fetcher, options.base(), options.clock(), options.fetchLimit());
        this.reader = FolderReader.of(options.root(), options.base(), observer);
        this.database = RegistryDatabase.open(databaseFile(options), observer);
        try {
            this.registrar = new Registrar(reader.root(), options.reservedNames(), database, index, options.clock());
            this.scanner = new FolderScanner(reader, registrar, index);
            recall();
            scanner.scanAll(options.readers());
            this.watch = options.rescanInterval().isZero()
                    ? null
                    : FolderWatch.start(reader.root(), scanner, options.rescanInterval());
        } catch (RuntimeException | Error e) {
            database.close();
            throw e;
        }
    }

    /// Opens the registry and scans the root; reading all weights the first time, it may take long.
    ///
    /// @param store of what tenants register; it stays the caller's to close, after this
    /// @param fetcher brings it here
    /// @throws AdapterException where the root is no folder that can be listed
    /// @throws RegistryException where another process uses the registry or its files cannot be used
    public static AdapterRegistry open(RegistryOptions options, AdapterStore store, AdapterFetcher fetcher) {
        return open(options, store, fetcher, step -> {});
    }

    static AdapterRegistry open(
            RegistryOptions options, AdapterStore store, AdapterFetcher fetcher, RegistryStep.Observer observer) {
        return new AdapterRegistry(options, store, fetcher, observer);
    }

    /// One file per base: what can be served, and how much memory it takes, depends on it.
    private static Path databaseFile(RegistryOptions options) {
        try {
            return Files.createDirectories(options.state())
                    .resolve(options.base().digest().hex() + ".db");
        } catch (IOException e) {
            throw new RegistryException(
                    "cannot make the folder " + options.state() + " of the adapter registry: " + OneLine.reason(e), e);
        }
    }

    private void recall() {
        for (RegistryDatabase.KnownAlias alias : database.aliases()) {
            index.putAlias(alias.tenant(), alias.version(), AdapterOrigin.parse(alias.origin()));
        }
        for (RegistryDatabase.KnownFolder folder : database.folders(reader.root())) {
            index.putFolder(folder.entry());
            Digest fingerprint = folder.fingerprint();
            if (fingerprint != null) {
                scanner.remember(folder.entry().name(), fingerprint);
            }
        }
    }

    /// What the name stands for now, as this tenant sees it.
    ///
    /// @throws AdapterException its reason where it is not served; `NOT_FOUND` with the nearest names that this
    ///     tenant sees
    public AdapterVersion find(String tenant, String name) {
        return index.find(tenant, name);
    }

    /// The adapter of this content, where a name that this tenant sees stands for it; of several names the
    /// first, the tenant's own before those of folders.
    ///
    /// @throws AdapterException `NOT_FOUND`
    public AdapterVersion find(String tenant, Digest digest) {
        return index.find(tenant, digest);
    }

    /// What all names of this content stand for, whoever sees them.
    public List<AdapterVersion> versions(Digest digest) {
        return index.versions(digest);
    }

    /// Where the adapter came from that the tenant registered under this name; empty where the name is not the tenant's
    /// own.
    public Optional<AdapterOrigin> origin(String tenant, String name) {
        return index.origin(tenant, name);
    }

    /// All that this tenant sees, in the byte order of names, folders that failed among them.
    public List<AdapterEntry> entries(String tenant) {
        return index.entries(tenant);
    }

    /// Fetches an adapter and makes the tenant's name stand for it: a new version where it stood for another
    /// content. The name is the tenant's own; others neither see nor may use it. Blocks until all of it is
    /// here.
    ///
    /// @param expected its digest; null takes what is there
    /// @param deadline after which fetching is given up
    /// @throws AdapterException `NAME_TAKEN` where a folder or the base has the name; `CHANGED` where the
    ///     digest is not the one expected; or why the adapter cannot be fetched or served. The name stands for
    ///     what it stood for.
    public AdapterVersion register(
            String tenant, String name, AdapterOrigin origin, @Nullable Digest expected, Instant deadline) {
        registrar.requireFree(tenant, name);
        FetchedAdapters.Fetched arrived = fetched.fetch(origin, expected, deadline);
        return registrar.register(tenant, name, arrived.found(), arrived.origin());
    }

    /// Makes a name that the tenant registered stand for nothing. Requests that were admitted go on.
    ///
    /// @return false where the tenant registered no such name
    public boolean unregister(String tenant, String name) {
        return registrar.unregister(tenant, name);
    }

    /// How much there is, of all tenants; counted anew.
    public RegistryStats stats() {
        return index.stats();
    }

    /// What the name stood for, the newest first: its last hundred versions. Empty where it stands for nothing.
    public List<PastVersion> history(String tenant, String name) {
        List<PastVersion> own = database.history(tenant, name);
        return own.isEmpty() ? database.history(reader.root(), name) : own;
    }

    /// Looks at all folders now and reads those that look changed.
    public void rescan() {
        scanner.scanAll(1);
    }

    /// Tells `listener` of all that this tenant sees, and then of every change. It is called by the thread that
    /// makes the change, while no other is made, and must return at once.
    ///
    /// @return ends it
    public Runnable watch(String tenant, Consumer<RegistryEvent> listener) {
        return registrar.watch(tenant, listener);
    }

    /// Tells `listener` of each content that no name stands for any more. It must return at once.
    public void onRetired(Consumer<Digest> listener) {
        registrar.onRetired(listener);
    }

    @Override
    public AdapterSize size(Digest adapter) {
        return content(adapter).size();
    }

    /// Reads the adapter from a folder that holds it, or else from the store, fetched again where it is not
    /// there.
    @Override
    public LoraSlot load(Digest adapter, AdapterMemory memory) {
        NameIndex.Content content = content(adapter);
        LoadMemory attempts = new LoadMemory(memory, content.size());
        AdapterException failure = null;
        for (AdapterVersion version : index.folders(adapter)) {
            try {
                return load(reader.folder(version.name()), adapter, attempts.again());
            } catch (AdapterException e) {
                // Its fingerprint may look as it did: the next scan shall not believe it.
                scanner.distrust(version.name());
                failure = named(version.name(), e);
            }
        }
        for (AdapterOrigin origin : content.origins()) {
            try {
                return fetched.use(adapter, origin, folder -> load(folder, adapter, attempts.again()));
            } catch (AdapterException e) {
                failure = e;
            }
        }
        throw failure != null
                ? failure
                : new AdapterException(
                        Code.CHANGED,
                        "adapter " + adapter + " is not under the adapter root any more; its name may be");
    }

    private LoraSlot load(AdapterFolder folder, Digest adapter, LoadMemory memory) {
        folder.requireInside();
        return load(folder.directory(), adapter, memory);
    }

    private LoraSlot load(Path folder, Digest adapter, LoadMemory memory) {
        return PeftAdapter.load(folder, options.base(), adapter, memory);
    }

    private static AdapterException named(String name, AdapterException e) {
        return new AdapterException(e.code(), "adapter " + OneLine.quote(name) + ": " + e.getMessage(), e);
    }

    private NameIndex.Content content(Digest adapter) {
        return index.content(adapter).orElseThrow(() -> NameIndex.unknown(adapter));
    }

    @Override
    public void close() {
        if (watch != null) {
            watch.close();
        }
        database.close();
    }
}
