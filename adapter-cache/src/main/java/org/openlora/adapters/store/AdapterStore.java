package org.openlora.adapters.store;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Adapters fetched from elsewhere, on this machine's disk: a folder per digest, all of them together within a budget
/// of bytes, whatever becomes of the process.
///
/// A folder is filled under another name, digested, forced to the disk, and moved to its place in one step: what stands
/// under a digest had that content. What a killed process left half-done is deleted at the next [#open]. Who reads a
/// folder checks the digest once more ([#use] does what follows from that), because disks err.
///
/// The least recently used folder that nobody holds makes room. One process at a time uses a store. Thread-safe; calls
/// block on the disk, and those with a [Fetch] on the network.
public final class AdapterStore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AdapterStore.class);

    private final StoreFolders folders;
    private final FolderDigest digester;
    private final ReentrantLock lock = new ReentrantLock();
    private final DiskBudget budget;

    /// Fetches under way, by digest.
    private final Map<Digest, CompletableFuture<Void>> flights = new HashMap<>();

    private long fetches;
    private long rejected;
    private boolean closed;

    /// Fills an empty folder with the files of an adapter.
    @FunctionalInterface
    public interface Fetch {
        /// @param room to ask before each write
        /// @throws IOException where the disk fails
        /// @throws AdapterException where the files cannot be had
        void into(Path folder, DiskRoom room) throws IOException;
    }

    /// Reads an adapter's folder in full.
    @FunctionalInterface
    public interface FolderDigest {
        /// The digest of what is there; throws [AdapterException] where it is no sound adapter.
        Digest of(Path folder);
    }

    /// Reads from an adapter's folder, and checks what it reads against the digest.
    @FunctionalInterface
    public interface FolderUse<T> {
        /// Throws [AdapterException] with code `CHANGED`, `INVALID` or `NOT_FOUND` where the folder is damaged.
        T from(Path folder);
    }

    private AdapterStore(StoreFolders folders, DiskBudget budget, FolderDigest digester) {
        this.folders = folders;
        this.budget = budget;
        this.digester = digester;
    }

    /// Opens the store in a folder, made where there is none; deletes what is half-done, and the oldest adapters where
    /// there are more bytes than the budget now allows.
    ///
    /// @throws AdapterException `UNAVAILABLE` where another process uses it, or the disk fails
    public static AdapterStore open(Path root, long capacityBytes, FolderDigest digester) {
        if (capacityBytes < 1) {
            throw new IllegalArgumentException("a store of " + capacityBytes + " bytes");
        }
        try {
            StoreFolders folders = StoreFolders.open(root);
            try {
                var budget = new DiskBudget(capacityBytes, folders::delete);
                for (StoreFolders.Found found : folders.oldestFirst()) {
                    budget.adopt(found.digest(), found.sizeBytes());
                }
                return new AdapterStore(folders, budget, digester);
            } catch (IOException | RuntimeException e) {
                folders.close();
                throw e;
            }
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNAVAILABLE, "the adapter store " + root + " cannot be opened: " + OneLine.reason(e), e);
        }
    }

    /// Holds the stored adapter with this digest, if there is one.
    public Optional<StoredAdapter> open(Digest digest) {
        lock.lock();
        try {
            requireOpen();
            return Optional.ofNullable(hold(digest));
        } finally {
            lock.unlock();
        }
    }

    /// Holds the adapter with this digest, fetched where it is not there. Of several calls at once for a digest one
    /// fetches, and all share its outcome.
    ///
    /// @throws AdapterException the fetch's own; `CHANGED` where the files have another digest; `TOO_LARGE`,
    ///     `NO_ROOM`; `UNAVAILABLE` where the disk fails or is full. Nothing is left of the attempt.
    public StoredAdapter put(Digest digest, Fetch fetch) {
        while (true) {
            CompletableFuture<Void> flight = new CompletableFuture<>();
            CompletableFuture<Void> other;
            lock.lock();
            try {
                requireOpen();
                StoredAdapter held = hold(digest);
                if (held != null) {
                    return held;
                }
                other = flights.putIfAbsent(digest, flight);
            } finally {
                lock.unlock();
            }
            if (other == null) {
                return fly(digest, fetch, flight);
            }
            await(other);
        }
    }

    /// Fetches an adapter whose digest nobody knows yet, and holds it. Errors as of [#put].
    public StoredAdapter add(Fetch fetch) {
        return stage(null, fetch);
    }

    /// Reads from the adapter with this digest, fetched where it is not there. A folder that proves damaged is put out
    /// and fetched again, once. Errors as of [#put], and those of `use`.
    public <T> T use(Digest digest, Fetch fetch, FolderUse<T> use) {
        Optional<StoredAdapter> stored = open(digest);
        if (stored.isPresent()) {
            try (StoredAdapter held = stored.get()) {
                try {
                    return use.from(held.folder());
                } catch (AdapterException e) {
                    switch (e.code()) {
                        case CHANGED, INVALID, NOT_FOUND -> reject(held, OneLine.reason(e));
                        case NAME_TAKEN,
                                UNSUPPORTED,
                                WRONG_BASE,
                                TOO_LARGE,
                                NO_ROOM,
                                REFUSED,
                                UNAVAILABLE,
                                CORRUPT,
                                CLOSED -> throw e;
                    }
                }
            }
        }
        try (StoredAdapter held = put(digest, fetch)) {
            return use.from(held.folder());
        }
    }

    /// Deletes an adapter whose folder proved damaged, though others may hold it: they would read the same. One that
    /// has been fetched again since stays.
    public void reject(StoredAdapter damaged, String reason) {
        if (!(damaged instanceof Hold hold)) {
            throw new IllegalArgumentException("not held from this store: " + damaged.digest());
        }
        lock.lock();
        try {
            if (budget.isCurrent(hold.entry)) {
                LOG.warn("stored adapter {} is damaged and deleted: {}", damaged.digest(), reason);
                rejected++;
                budget.remove(hold.entry);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Deletes an adapter that nobody holds.
    ///
    /// @return whether it is gone: false where somebody holds it
    public boolean remove(Digest digest) {
        lock.lock();
        try {
            requireOpen();
            DiskBudget.Entry entry = budget.find(digest);
            if (entry == null) {
                return true;
            }
            if (!entry.isIdle()) {
                return false;
            }
            budget.remove(entry);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// What is stored, least recently used first.
    public List<Digest> digests() {
        lock.lock();
        try {
            return budget.digestsOldestFirst();
        } finally {
            lock.unlock();
        }
    }

    public StoreStats stats() {
        lock.lock();
        try {
            return new StoreStats(
                    budget.capacityBytes(),
                    budget.usedBytes(),
                    budget.size(),
                    budget.held(),
                    flights.size(),
                    fetches,
                    budget.evictions(),
                    rejected);
        } finally {
            lock.unlock();
        }
    }

    /// Lets another process have the store. What is held stays readable, but no longer safe from being put out.
    @Override
    public void close() {
        lock.lock();
        try {
            if (!closed) {
                closed = true;
                folders.close();
            }
        } finally {
            lock.unlock();
        }
    }

    private StoredAdapter fly(Digest digest, Fetch fetch, CompletableFuture<Void> flight) {
        try {
            StoredAdapter held = stage(digest, fetch);
            land(digest, flight);
            flight.complete(null);
            return held;
        } catch (RuntimeException | Error e) {
            land(digest, flight);
            flight.completeExceptionally(e);
            throw e;
        }
    }

    private void land(Digest digest, CompletableFuture<Void> flight) {
        lock.lock();
        try {
            flights.remove(digest, flight);
        } finally {
            lock.unlock();
        }
    }

    private static void await(CompletableFuture<Void> flight) {
        try {
            flight.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AdapterException(Code.UNAVAILABLE, "interrupted while another request fetched the adapter", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AdapterException failure) {
                throw new AdapterException(failure.code(), OneLine.reason(failure), failure);
            }
            throw new IllegalStateException("another request's fetch of the adapter failed", e.getCause());
        }
    }

    private StoredAdapter stage(@Nullable Digest expected, Fetch fetch) {
        var staging = new Staging();
        Path folder = null;
        try {
            folder = folders.newStaging();
            fetch.into(folder, staging);
            StoreFolders.keepAdapterFiles(folder);
            Digest found = digester.of(folder);
            if (expected != null && !found.equals(expected)) {
                throw new AdapterException(
                        Code.CHANGED,
                        "the files fetched are not the adapter that was registered: registered " + expected
                                + ", fetched " + found);
            }
            staging.settle(folders.sizeBytes(folder));
            folders.force(folder);
            return publish(found, folder, staging);
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNAVAILABLE,
                    "the adapter cannot be stored: " + OneLine.reason(e) + " (" + folders.usableBytes()
                            + " bytes are left on the store's disk)",
                    e);
        } finally {
            if (folder != null) {
                folders.deleteStaging(folder);
            }
            staging.giveBack();
        }
    }

    private StoredAdapter publish(Digest digest, Path staged, Staging staging) throws IOException {
        lock.lock();
        try {
            requireOpen();
            StoredAdapter held = hold(digest);
            if (held != null) {
                return held; // another call was faster with the same content
            }
            folders.publish(staged, digest);
            fetches++;
            return new Hold(budget.enter(digest, staging.takeOver()));
        } finally {
            lock.unlock();
        }
    }

    private @Nullable StoredAdapter hold(Digest digest) {
        DiskBudget.Entry entry = budget.find(digest);
        if (entry == null) {
            return null;
        }
        budget.hold(entry);
        return new Hold(entry);
    }

    private void requireOpen() {
        if (closed) {
            throw new AdapterException(Code.CLOSED, "the adapter store is closed");
        }
    }

    /// The bytes set aside for one fetch.
    private final class Staging implements DiskRoom {
        private long bytes;

        @Override
        public void reserve(long more) {
            lock.lock();
            try {
                requireOpen();
                budget.reserve(more, bytes);
                bytes += more;
            } finally {
                lock.unlock();
            }
        }

        /// Corrects what was set aside to what was written.
        void settle(long writtenBytes) {
            lock.lock();
            try {
                if (writtenBytes > bytes) {
                    reserve(writtenBytes - bytes);
                } else {
                    budget.release(bytes - writtenBytes);
                    bytes = writtenBytes;
                }
            } finally {
                lock.unlock();
            }
        }

        /// From now on the bytes are the entry's.
        long takeOver() {
            long taken = bytes;
            bytes = 0;
            return taken;
        }

        void giveBack() {
            lock.lock();
            try {
                budget.release(takeOver());
            } finally {
                lock.unlock();
            }
        }
    }

    private final class Hold implements StoredAdapter {
        private final DiskBudget.Entry entry;
        private boolean released;

        Hold(DiskBudget.Entry entry) {
            this.entry = entry;
        }

        @Override
        public Digest digest() {
            return entry.digest();
        }

        @Override
        public Path folder() {
            return folders.of(entry.digest());
        }

        @Override
        public long sizeBytes() {
            return entry.sizeBytes();
        }

        @Override
        public void close() {
            lock.lock();
            try {
                if (!released) {
                    released = true;
                    budget.release(entry);
                    if (!closed && budget.isCurrent(entry)) {
                        folders.markUsed(entry.digest());
                    }
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
