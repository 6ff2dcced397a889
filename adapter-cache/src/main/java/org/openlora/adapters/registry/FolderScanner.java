package org.openlora.adapters.registry;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.ReentrantLock;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds out what has changed under the root: looks at all folders cheaply, reads those that look changed, and
/// has the [Registrar] record what it found. One scan at a time.
final class FolderScanner {
    private static final Logger LOG = LoggerFactory.getLogger(FolderScanner.class);

    /// Folders recorded in one transaction: what a crash in a long scan loses at most.
    private static final int BATCH = 256;

    /// Folders that a gentle scan looks at between two pauses: about a millisecond's work.
    private static final int PORTION = 64;

    private static final Duration PAUSE = Duration.ofMillis(5);

    private final FolderReader reader;
    private final Registrar registrar;
    private final NameIndex index;
    private final Map<String, Digest> fingerprints = new ConcurrentHashMap<>();
    private final ReentrantLock scanning = new ReentrantLock();

    private record Unread(String name, FolderListing listing) {}

    /// @param state empty where the folder is gone
    private record Read(String name, Optional<FolderState> state) {}

    FolderScanner(FolderReader reader, Registrar registrar, NameIndex index) {
        this.reader = reader;
        this.registrar = registrar;
        this.index = index;
    }

    /// What a folder looked like when it was read, in an earlier life.
    void remember(String name, Digest fingerprint) {
        fingerprints.put(name, fingerprint);
    }

    /// Has the folder read again at the next scan, however unchanged it looks.
    void distrust(String name) {
        fingerprints.remove(name);
    }

    /// Scans all folders. An interrupt ends it early by a [CancellationException].
    ///
    /// @param readers folders read at once
    void scanAll(int readers) {
        scanAll(readers, Duration.ZERO);
    }

    /// Scans all folders in small portions with pauses, so that whoever computes on this machine is never kept
    /// from it for long. An interrupt ends it early by a [CancellationException].
    void scanAllGently() {
        scanAll(1, PAUSE);
    }

    private void scanAll(int readers, Duration pause) {
        scanning.lock();
        try {
            var names = new HashSet<>(reader.names());
            names.addAll(index.folderNames());
            scan(names, readers, pause);
        } finally {
            scanning.unlock();
        }
    }

    /// Scans the folders of these names, which need not exist.
    void scan(Set<String> names) {
        scanning.lock();
        try {
            scan(names, 1, Duration.ZERO);
        } finally {
            scanning.unlock();
        }
    }

    private void scan(Collection<String> names, int readers, Duration pause) {
        var gone = new ArrayList<String>();
        var refused = new ArrayList<FolderState>();
        var changed = new ArrayList<Unread>();
        int looked = 0;
        for (String name : names) {
            if (looked++ % PORTION == 0) {
                rest(pause);
            }
            FolderListing listing = reader.look(name);
            AdapterException refusal = registrar.refusal(name);
            if (FolderReader.isHidden(name) || !listing.isAdapter()) {
                gone.add(name);
            } else if (refusal != null) {
                refused.add(new FolderState.Broken(name, null, refusal));
            } else if (listing.fingerprint() == null
                    || !listing.fingerprint().equals(fingerprints.get(name))
                    || !isKnown(name)) {
                changed.add(new Unread(name, listing));
            }
        }
        record(refused, gone);
        read(changed, readers);
    }

    /// Whether the folder's content is known, and not only that its name was taken.
    private boolean isKnown(String name) {
        return switch (index.folder(name)) {
            case null -> false;
            case AdapterEntry.Ready _ -> true;
            case AdapterEntry.Failed(var _, AdapterException reason) -> reason.code() != Code.NAME_TAKEN;
        };
    }

    private static void rest(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            throw cancelled(e);
        }
    }

    private static CancellationException cancelled(InterruptedException e) {
        Thread.currentThread().interrupt();
        var cancelled = new CancellationException("interrupted while adapter folders were scanned");
        cancelled.initCause(e);
        return cancelled;
    }

    private void read(List<Unread> folders, int readers) {
        if (folders.isEmpty()) {
            return;
        }
        var progress = new ScanProgress(folders.size());
        ExecutorService pool = Executors.newFixedThreadPool(Math.min(readers, folders.size()));
        try {
            CompletionService<Read> reading = new ExecutorCompletionService<>(pool);
            folders.forEach(folder ->
                    reading.submit(() -> new Read(folder.name(), reader.read(folder.name(), folder.listing()))));
            var batch = new ArrayList<FolderState>();
            var gone = new ArrayList<String>();
            for (int done = 1; done <= folders.size(); done++) {
                Read read = reading.take().get();
                read.state().ifPresentOrElse(batch::add, () -> gone.add(read.name()));
                progress.read(read.state());
                if (batch.size() == BATCH || done == folders.size()) {
                    record(batch, gone);
                    batch.clear();
                    gone.clear();
                }
            }
        } catch (InterruptedException e) {
            throw cancelled(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an adapter's folder could not be read", e.getCause());
        } finally {
            pool.shutdownNow();
            pool.close();
        }
    }

    private void record(List<FolderState> seen, List<String> absent) {
        List<FolderState> news = seen.stream().filter(this::isNews).toList();
        List<String> gone =
                absent.stream().filter(name -> index.folder(name) != null).toList();
        if (!news.isEmpty() || !gone.isEmpty()) {
            registrar.folders(news, gone);
        }
        gone.forEach(name -> LOG.info("adapter {} is gone", OneLine.quote(name)));
        gone.forEach(fingerprints::remove);
        for (FolderState state : seen) {
            Digest fingerprint = state.fingerprint();
            if (fingerprint == null) {
                fingerprints.remove(state.name());
            } else {
                fingerprints.put(state.name(), fingerprint);
            }
        }
    }

    /// A folder that is read again at each scan, because it cannot be read or is not to be, mostly fails as
    /// before.
    private boolean isNews(FolderState state) {
        return !(state instanceof FolderState.Broken(String name, Digest fingerprint, AdapterException reason)
                && fingerprint == null
                && index.folder(name) instanceof AdapterEntry.Failed(var _, AdapterException before)
                && before.code() == reason.code()
                && Objects.equals(before.getMessage(), reason.getMessage()));
    }
}
