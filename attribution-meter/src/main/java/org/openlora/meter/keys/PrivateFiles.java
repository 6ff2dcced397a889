package org.openlora.meter.keys;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;

/// Files that only their owner may read, written whole and durably.
final class PrivateFiles {
    private static final Set<PosixFilePermission> OWNER = PosixFilePermissions.fromString("rwx------");

    private PrivateFiles() {}

    /// @throws IllegalArgumentException where others than the owner may read it
    static void require(Path file, String what) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        if (!OWNER.containsAll(permissions)) {
            throw new IllegalArgumentException(what + " " + file + " is open to others ("
                    + PosixFilePermissions.toString(permissions) + "): run chmod 600 " + file);
        }
    }

    /// Writes a file unless it is there: a file that another process made meanwhile is left as it is.
    static void create(Path file, String text) throws IOException {
        Path temporary = temporary(file, text);
        try {
            // A hard link, unlike a move, never replaces.
            Files.createLink(file, temporary);
        } catch (FileAlreadyExistsException e) {
            // the other process's file is as good and is the one that counts: the caller reads it
        } finally {
            Files.delete(temporary);
        }
        forceFolder(file);
    }

    /// Writes a file in place of the one that is there.
    static void replace(Path file, String text) throws IOException {
        Files.move(temporary(file, text), file, StandardCopyOption.ATOMIC_MOVE);
        forceFolder(file);
    }

    /// Gives a file another name, in place of one that has it.
    static void rename(Path from, Path to) throws IOException {
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        forceFolder(to);
    }

    private static Path temporary(Path file, String text) throws IOException {
        Path folder = folder(file);
        Files.createDirectories(folder);
        Path temporary = folder.resolve(file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.createFile(temporary, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
            ByteBuffer rest = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (rest.hasRemaining()) {
                channel.write(rest);
            }
            channel.force(true);
        } catch (IOException e) {
            Files.delete(temporary);
            throw e;
        }
        return temporary;
    }

    /// The name is as durable as the content.
    private static void forceFolder(Path file) throws IOException {
        try (FileChannel parent = FileChannel.open(folder(file))) {
            parent.force(true);
        }
    }

    private static Path folder(Path file) {
        return Objects.requireNonNull(file.toAbsolutePath().getParent(), "a key file stands in a folder");
    }
}
