package org.openlora.adapters.registry;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterOrigin;

/// Makes changes, one after the other: first durable, then to be seen, then told to those who watch.
final class Registrar {
    private final Path root;
    private final Set<String> reservedNames;
    private final RegistryDatabase database;
    private final NameIndex index;
    private final InstantSource clock;
    private final ReentrantLock changing = new ReentrantLock();
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
    private final List<Consumer<Digest>> retirement = new CopyOnWriteArrayList<>();

    private record Watcher(String tenant, Consumer<RegistryEvent> listener) {}

    Registrar(Path root, Set<String> reservedNames, RegistryDatabase database, NameIndex index, InstantSource clock) {
        this.root = root;
        this.reservedNames = reservedNames;
        this.database = database;
        this.index = index;
        this.clock = clock;
    }

    /// Why a folder of this name cannot be served whatever is in it; null where it can.
    @Nullable
    AdapterException refusal(String folder) {
        if (reservedNames.contains(folder)) {
            return new AdapterException(Code.NAME_TAKEN, "the base model is served under this name; rename the folder");
        }
        return index.isRegistered(folder)
                ? new AdapterException(
                        Code.NAME_TAKEN,
                        "an adapter was registered under this name; rename the folder or unregister that adapter")
                : null;
    }

    /// Records what folders hold now, and which are gone.
    void folders(List<FolderState> seen, List<String> gone) {
        changing.lock();
        try {
            // A name may have been registered while the folder was read.
            List<FolderState> allowed = seen.stream().map(this::checked).toList();
            List<AdapterEntry> entries = database.recordFolders(root, allowed, gone, clock.instant());
            for (String name : gone) {
                retire(index.removeFolder(name));
                tellAll(new RegistryEvent.Removed(name));
            }
            for (AdapterEntry entry : entries) {
                AdapterEntry before = index.folder(entry.name());
                retire(index.putFolder(entry));
                if (!entry.equals(before)) {
                    tellAll(RegistryEvent.of(entry));
                }
            }
        } finally {
            changing.unlock();
        }
    }

    private FolderState checked(FolderState state) {
        AdapterException refusal = refusal(state.name());
        return refusal == null ? state : new FolderState.Broken(state.name(), null, refusal);
    }

    /// Throws [AdapterException] where the tenant may not register this name now. One that it has registered
    /// already it may register again, whatever folder has turned up since.
    void requireFree(String tenant, String name) {
        AdapterNames.check(name);
        if (reservedNames.contains(name)) {
            throw taken(name, "the base model is served under it");
        }
        if (index.folder(name) != null && !index.isRegistered(tenant, name)) {
            throw taken(name, "a folder under the adapter root has it");
        }
    }

    private static AdapterException taken(String name, String by) {
        return new AdapterException(
                Code.NAME_TAKEN,
                "adapter name " + OneLine.quote(name) + " is taken: " + by + "; allowed: any other name");
    }

    /// Makes the name stand for what was found.
    AdapterVersion register(String tenant, String name, FoundAdapter found, AdapterOrigin origin) {
        changing.lock();
        try {
            requireFree(tenant, name);
            AdapterVersion version = database.recordAlias(tenant, name, found, origin.toString(), clock.instant());
            retire(index.putAlias(tenant, version, origin));
            tell(tenant, new RegistryEvent.Registered(version));
            return version;
        } finally {
            changing.unlock();
        }
    }

    /// @return whether the tenant had registered that name
    boolean unregister(String tenant, String name) {
        changing.lock();
        try {
            if (!index.isRegistered(tenant, name)) {
                return false;
            }
            database.removeAlias(tenant, name);
            retire(index.removeAlias(tenant, name));
            tell(tenant, new RegistryEvent.Removed(name));
            return true;
        } finally {
            changing.unlock();
        }
    }

    /// Tells of every change from now on that the tenant may see, and of all entries that there are before it.
    Runnable watch(String tenant, Consumer<RegistryEvent> listener) {
        Watcher watcher = new Watcher(tenant, listener);
        changing.lock();
        try {
            index.entries(tenant).forEach(entry -> listener.accept(RegistryEvent.of(entry)));
            watchers.add(watcher);
        } finally {
            changing.unlock();
        }
        return () -> watchers.remove(watcher);
    }

    void onRetired(Consumer<Digest> listener) {
        retirement.add(listener);
    }

    private void retire(Optional<Digest> content) {
        content.ifPresent(digest -> retirement.forEach(listener -> listener.accept(digest)));
    }

    private void tell(String tenant, RegistryEvent event) {
        for (Watcher watcher : watchers) {
            if (watcher.tenant().equals(tenant)) {
                watcher.listener().accept(event);
            }
        }
    }

    private void tellAll(RegistryEvent event) {
        watchers.forEach(watcher -> watcher.listener().accept(event));
    }
}
