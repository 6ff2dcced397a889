package org.openlora.adapters.files;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;

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

    /// CRC-32 of ISO 3309, 8 digits.
    public static String crc32(Path file) throws IOException {
        var crc = new CRC32();
        read(file, crc::update);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /// CRC-32C of RFC 3720, 8 digits.
    public static String crc32c(Path file) throws IOException {
        var crc = new CRC32C();
        read(file, crc::update);
        return HexFormat.of().toHexDigits((int) crc.getValue());
    }

    /// CRC-64 of the NVM Express specification, 16 digits.
    public static String crc64Nvme(Path file) throws IOException {
        var crc = new Crc64Nvme();
        read(file, crc);
        return HexFormat.of().toHexDigits(crc.value());
    }

    private static String hash(MessageDigest digest, Path file) throws IOException {
        read(file, digest::update);
        return HexFormat.of().formatHex(digest.digest());
    }

    @FunctionalInterface
    interface ByteSink {
        void update(byte[] bytes, int offset, int length);
    }

    private static void read(Path file, ByteSink sink) throws IOException {
        byte[] chunk = new byte[CHUNK_BYTES];
        try (InputStream in = Files.newInputStream(file)) {
            for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
                sink.update(chunk, 0, read);
            }
        }
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has " + algorithm, e);
        }
    }
}
