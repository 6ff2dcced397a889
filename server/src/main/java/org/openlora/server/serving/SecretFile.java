package org.openlora.server.serving;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.problem.Problem;

/// A random word in a file that only its owner can read.
final class SecretFile {
    private SecretFile() {}

    /// Reads the word, which is made where there is none. Two processes that make it at once get the same.
    static Bytes32 load(Path file) throws IOException {
        if (Files.notExists(file)) {
            create(file);
        }
        String text = Files.readString(file).strip();
        try {
            return Bytes32.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Problem(
                    "%s does not hold 64 hexadecimal digits".formatted(file), "restore it from a backup", e);
        }
    }

    private static void create(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        Path temporary = Files.createTempFile(
                file.getParent(),
                file.getFileName().toString(),
                ".tmp",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            ByteBuffer text = ByteBuffer.wrap((random() + "\n").getBytes(StandardCharsets.US_ASCII));
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                while (text.hasRemaining()) {
                    channel.write(text);
                }
                channel.force(true);
            }
            Files.createLink(file, temporary);
        } catch (FileAlreadyExistsException e) {
            // Another process was first: its word counts.
        } finally {
            Files.delete(temporary);
        }
    }

    static Bytes32 random() {
        byte[] bytes = new byte[Bytes32.SIZE_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Bytes32.of(bytes);
    }
}
