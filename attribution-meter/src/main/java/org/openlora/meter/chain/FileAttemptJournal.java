package org.openlora.meter.chain;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;

/// The journal as a file of its own: one line per entry, `<crc32c> <json>`, each forced to disk. The file is
/// locked, so one process flushes a stream. A torn last line, which a crash while writing leaves, is cut off;
/// damage before it is an error.
public final class FileAttemptJournal implements AttemptJournal, AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;
    private final FileChannel channel;
    private final Map<Long, List<Attempt>> attempts = new HashMap<>();
    private @Nullable ChainIdentity identity;
    private long landedNumber;
    private long finalNumber;

    private FileAttemptJournal(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /// Opens or creates the journal.
    ///
    /// @throws IOException where another process holds it, or where it is damaged before its end
    public static FileAttemptJournal open(Path file) throws IOException {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            lock(file, channel);
            FileAttemptJournal journal = new FileAttemptJournal(file, channel);
            journal.replay(Files.readAllBytes(file));
            return journal;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static void lock(Path file, FileChannel channel) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null; // held within this very process
        }
        if (lock == null) {
            throw new IOException("another flusher holds the journal " + file);
        }
    }

    private void replay(byte[] bytes) throws IOException {
        int start = 0;
        while (start < bytes.length) {
            int end = start;
            while (end < bytes.length && bytes[end] != '\n') {
                end++;
            }
            Optional<JsonNode> entry = end == bytes.length ? Optional.empty() : entry(bytes, start, end);
            if (entry.isEmpty()) {
                if (end + 1 < bytes.length) {
                    throw new IOException("journal " + file + " is damaged at byte " + start + " of " + bytes.length);
                }
                break;
            }
            apply(entry.get());
            start = end + 1;
        }
        channel.truncate(start);
        channel.position(start);
    }

    private static Optional<JsonNode> entry(byte[] bytes, int start, int end) throws IOException {
        String line = new String(bytes, start, end - start, StandardCharsets.UTF_8);
        int space = line.indexOf(' ');
        if (space < 0 || !line.substring(0, space).equals(checksum(line.substring(space + 1)))) {
            return Optional.empty();
        }
        return Optional.of(JSON.readTree(line.substring(space + 1)));
    }

    private static String checksum(String json) {
        CRC32C crc = new CRC32C();
        crc.update(json.getBytes(StandardCharsets.UTF_8));
        return String.format("%08x", crc.getValue());
    }

    private void apply(JsonNode entry) throws IOException {
        String type = entry.path("type").asText();
        switch (type) {
            case "chain" ->
                identity = new ChainIdentity(
                        entry.path("chainId").longValue(),
                        Bytes32.parse(entry.path("ledgerCodeHash").asText()));
            case "attempt" -> apply(attempt(entry));
            case "landed" -> landedNumber = entry.path("batch").longValue();
            case "final" -> finalNumber = entry.path("batch").longValue();
            default -> throw new IOException("journal " + file + " holds an entry of unknown type " + type);
        }
    }

    private void apply(Attempt attempt) {
        attempts.computeIfAbsent(attempt.batchNumber(), _ -> new ArrayList<>()).add(attempt);
    }

    private static Attempt attempt(JsonNode entry) {
        return new Attempt(
                entry.path("batch").longValue(),
                entry.path("nonce").longValue(),
                Bytes32.parse(entry.path("hash").asText()),
                entry.path("raw").asText(),
                new BigInteger(entry.path("tipWei").asText()),
                new BigInteger(entry.path("maxFeeWei").asText()),
                entry.path("createdAtMillis").longValue());
    }

    private void append(ObjectNode entry) {
        try {
            String json = JSON.writeValueAsString(entry);
            ByteBuffer line = ByteBuffer.wrap((checksum(json) + " " + json + "\n").getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            channel.force(false);
            apply(entry);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree in memory could not be written", e);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the journal " + file, e);
        }
    }

    private static ObjectNode entry(String type) {
        return JSON.createObjectNode().put("type", type);
    }

    @Override
    public Optional<ChainIdentity> identity() {
        return Optional.ofNullable(identity);
    }

    @Override
    public void bind(ChainIdentity chain) {
        if (identity != null) {
            throw new IllegalStateException("the journal is bound to chain " + identity.chainId());
        }
        append(entry("chain")
                .put("chainId", chain.chainId())
                .put("ledgerCodeHash", chain.ledgerCodeHash().toString()));
    }

    @Override
    public List<Attempt> attempts(long batchNumber) {
        return List.copyOf(attempts.getOrDefault(batchNumber, List.of()));
    }

    @Override
    public void recordAttempt(Attempt attempt) {
        append(entry("attempt")
                .put("batch", attempt.batchNumber())
                .put("nonce", attempt.nonce())
                .put("hash", attempt.transactionHash().toString())
                .put("raw", attempt.rawTransaction())
                .put("tipWei", attempt.maxPriorityFeeWei().toString())
                .put("maxFeeWei", attempt.maxFeeWei().toString())
                .put("createdAtMillis", attempt.createdAtMillis()));
    }

    @Override
    public long landedNumber() {
        return landedNumber;
    }

    @Override
    public void recordLanded(long batchNumber, Bytes32 transactionHash) {
        append(entry("landed").put("batch", batchNumber).put("hash", transactionHash.toString()));
    }

    @Override
    public long finalNumber() {
        return finalNumber;
    }

    @Override
    public void recordFinal(long batchNumber) {
        append(entry("final").put("batch", batchNumber));
    }

    /// Gives the lock back.
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
