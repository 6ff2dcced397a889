package org.openlora.adapters.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Hashes of files, in hexadecimal.
public final class Hashes {
    private static final int CHUNK_BYTES = 1 << 20;

    private Hashes() {}

    public static String sha256(Path file) throws IOException {
        return hash(digest("SHA-256"), file);
    }

    /// The id that git gives the file's content: what the hub names as the ETag of a file outside LFS.
    public static String gitBlob(Path file) throws IOException {
        MessageDigest digest = digest("SHA-1");
        digest.update("blob %d\0".formatted(Files.size(file)).getBytes(StandardCharsets.US_ASCII));
        return hash(digest, file);
    }

    private static String hash(MessageDigest digest, Path file) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                digest.update(chunk, 0, read);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + algorithm, e);
        }
    }
}
