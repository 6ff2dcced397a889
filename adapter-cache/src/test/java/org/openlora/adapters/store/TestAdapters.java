package org.openlora.adapters.store;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;

/// Folders that look like adapters to the store: config and weights made from a number, digested as plain bytes.
public final class TestAdapters {
    public static final String CONFIG = "adapter_config.json";
    public static final String WEIGHTS = "adapter_model.safetensors";

    private TestAdapters() {}

    public static byte[] config(int number) {
        return "{\"adapter\":%d}".formatted(number).getBytes(StandardCharsets.UTF_8);
    }

    /// So many bytes that config and weights together have `totalBytes`.
    public static byte[] weights(int number, int totalBytes) {
        var bytes = new byte[totalBytes - config(number).length];
        new Random(number).nextBytes(bytes);
        return bytes;
    }

    /// What [#read] gives for that adapter.
    public static Digest digest(int number, int totalBytes) {
        return digest(config(number), weights(number, totalBytes));
    }

    /// The digest of what is in a folder.
    public static Digest read(Path folder) {
        try {
            return digest(Files.readAllBytes(folder.resolve(CONFIG)), Files.readAllBytes(folder.resolve(WEIGHTS)));
        } catch (IOException e) {
            throw new AdapterException(Code.INVALID, "not readable", e);
        }
    }

    /// Writes that adapter, after asking for its bytes.
    public static AdapterStore.Fetch fetch(int number, int totalBytes) {
        return (folder, room) -> {
            room.reserve(totalBytes);
            Files.write(folder.resolve(CONFIG), config(number));
            Files.write(folder.resolve(WEIGHTS), weights(number, totalBytes));
        };
    }

    /// Bytes of all files below a folder.
    public static long bytesBelow(Path folder) {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Digest digest(byte[] config, byte[] weights) {
        var all = new byte[config.length + weights.length];
        System.arraycopy(config, 0, all, 0, config.length);
        System.arraycopy(weights, 0, all, config.length, weights.length);
        return Digest.sha256(all);
    }
}
