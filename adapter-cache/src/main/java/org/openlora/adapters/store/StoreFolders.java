package org.openlora.adapters.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.openlora.adapters.Digest;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.adapters.peft.PeftConfig;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The store's places on the disk:
///
/// - `content/<64 hex>/`: whole adapters;
/// - `incoming/<number>/`: being filled, worth nothing after a crash;
/// - `outgoing/<number>/`: being deleted;
/// - `store.lock`: keeps the store to one process, and goes with it however it ends.
final class StoreFolders implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StoreFolders.class);
    private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

    private final Path content;
    private final Path incoming;
    private final Path outgoing;
    private final FileChannel lock;
    private final AtomicLong numbers = new AtomicLong();

    /// A whole adapter that an earlier process left.
    record Found(Digest digest, long sizeBytes, FileTime lastUse) {}

    private StoreFolders(Path root, FileChannel lock) {
        this.content = root.resolve("content");
        this.incoming = root.resolve("incoming");
        this.outgoing = root.resolve("outgoing");
        this.lock = lock;
    }

    /// Takes the lock, and deletes what a killed process left half-done.
    static StoreFolders open(Path root) throws IOException {
        Files.createDirectories(root);
        FileChannel lock =
                FileChannel.open(root.resolve("store.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            requireLock(lock);
            var folders = new StoreFolders(root, lock);
            DurableFiles.deleteFolder(folders.incoming);
            DurableFiles.deleteFolder(folders.outgoing);
            Files.createDirectories(folders.content);
            Files.createDirectories(folders.incoming);
            Files.createDirectories(folders.outgoing);
            return folders;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static void requireLock(FileChannel channel) throws IOException {
        boolean locked;
        try {
            locked = channel.tryLock() != null;
        } catch (OverlappingFileLockException e) {
            locked = false; // by this very process
        }
        if (!locked) {
            throw new IOException("it is in use already; stop the other process, or give this one another OPENLORA_HOME");
        }
    }

    List<Found> oldestFirst() throws IOException {
        var found = new ArrayList<Found>();
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(content)) {
            for (Path folder : folders) {
                String name = folder.getFileName().toString();
                if (HEX.matcher(name).matches() && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
                    found.add(new Found(new Digest(name), sizeBytes(folder), Files.getLastModifiedTime(folder)));
                } else {
                    LOG.warn("{} is not the store's and is left alone", folder);
                }
            }
        }
        found.sort(Comparator.comparing(Found::lastUse).thenComparing(Found::digest));
        return found;
    }

    Path of(Digest digest) {
        return content.resolve(digest.hex());
    }

    Path newStaging() throws IOException {
        return Files.createDirectory(incoming.resolve(Long.toString(numbers.incrementAndGet())));
    }

    /// Deletes all but what an adapter's digest covers: its config and its weights. Two adapters of one digest may
    /// have different manifests, so those are not the store's.
    static void keepAdapterFiles(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                boolean covered = name.equals(PeftConfig.FILE_NAME)
                        || name.endsWith(".safetensors")
                        || name.endsWith(".safetensors.index.json");
                if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
                    DurableFiles.deleteFolder(file);
                } else if (!covered) {
                    Files.delete(file);
                }
            }
        }
    }

    void force(Path staged) throws IOException {
        DurableFiles.forceTree(staged);
    }

    void publish(Path staged, Digest digest) throws IOException {
        DurableFiles.move(staged, of(digest));
    }

    /// Deletes a whole adapter: out of sight in one step, then file by file. A disk that refuses is told in the log:
    /// the bytes are lost until the next start.
    void delete(Digest digest) {
        Path condemned = outgoing.resolve(Long.toString(numbers.incrementAndGet()));
        try {
            Files.move(of(digest), condemned, StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.deleteFolder(condemned);
        } catch (IOException e) {
            LOG.error("stored adapter {} cannot be deleted", digest, e);
        }
    }

    /// Deletes a folder of [#newStaging], if it is still there.
    void deleteStaging(Path folder) {
        try {
            DurableFiles.deleteFolder(folder);
        } catch (IOException e) {
            LOG.error("{} cannot be deleted before the next start", folder, e);
        }
    }

    /// Remembers over a restart who was used last.
    void markUsed(Digest digest) {
        try {
            Files.setLastModifiedTime(of(digest), FileTime.from(Instant.now()));
        } catch (IOException e) {
            LOG.warn("the last use of stored adapter {} cannot be noted", digest, e);
        }
    }

    long sizeBytes(Path folder) throws IOException {
        var bytes = new AtomicLong();
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                bytes.addAndGet(attributes.size());
                return FileVisitResult.CONTINUE;
            }
        });
        return bytes.get();
    }

    /// What the disk has left, -1 where it does not say.
    long usableBytes() {
        try {
            return Files.getFileStore(content).getUsableSpace();
        } catch (IOException e) {
            LOG.debug("the disk of {} does not say what is left", content, e);
            return -1;
        }
    }

    @Override
    public void close() {
        try {
            lock.close();
        } catch (IOException e) {
            LOG.warn("the lock of {} cannot be released", content, e);
        }
    }
}
