package org.openlora.meter.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A folder that is filled beside its place and put there in one step, so that whatever stands there is whole,
/// whenever the machine stops. Closing one that was not published removes it.
public final class StagedFolder implements AutoCloseable {
    private static final String STAGING = ".staging";

    private final Path folder;
    private boolean published;

    private StagedFolder(Path folder) {
        this.folder = folder;
    }

    /// An empty folder to be published below `root`. The caller holds [#lock] of that root.
    public static StagedFolder begin(Path root) throws IOException {
        Path staging = Files.createDirectories(root.resolve(STAGING));
        return new StagedFolder(Files.createTempDirectory(staging, ""));
    }

    /// Keeps a root to one writer, of this process and others, and clears what an interrupted one left. Waits
    /// for its turn.
    public static Lock lock(Path root) throws IOException {
        Files.createDirectories(root);
        Lock lock = Lock.acquire(root.resolve(".lock"));
        try {
            delete(root.resolve(STAGING));
            return lock;
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /// Where to write.
    public Path path() {
        return folder;
    }

    /// Brings everything in the folder to the disk and moves it to its place, over nothing or over what was
    /// there.
    public void publish(Path target) throws IOException {
        forceFiles();
        if (Files.exists(target)) {
            // What stood there is replaced only where its reader found it damaged: no reader holds to it.
            Files.move(target, folder.resolveSibling(folder.getFileName() + ".old"), StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
        published = true;
        forceNames(target.toAbsolutePath().getParent());
    }

    private void forceFiles() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.force(true);
                }
            }
        }
        forceNames(folder);
    }

    private static void forceNames(@Nullable Path folder) throws IOException {
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }

    @Override
    public void close() throws IOException {
        if (!published) {
            delete(folder);
        }
    }
}
