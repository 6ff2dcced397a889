package org.openlora.adapters.transfer;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.LongConsumer;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.adapters.transfer.TransferException.Kind;

/// Fetches files and small documents over HTTP. A transfer that breaks off, stalls, or meets an overloaded host is taken
/// up again where it stopped, a few times and later each time; what arrives is held against what is known of it.
/// Credentials stay with the host they are for. Thread-safe; blocks.
public final class HttpTransfer {
    private static final int MAX_REDIRECTS = 8;
    private static final int MAX_ATTEMPTS = 5;
    private static final Duration CONNECT_LIMIT = Duration.ofSeconds(20);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final int CHUNK_BYTES = 1 << 17;

    /// Without a byte for so long, a transfer is given up and taken up again.
    public static final Duration STALL_LIMIT = Duration.ofSeconds(60);

    private final AddressRules addresses;
    private final Duration stallLimit;
    private final Sleeper sleeper;
    private final HttpClient http = HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_LIMIT)
            .build();

    /// Waits, as [Thread#sleep(Duration)] does.
    @FunctionalInterface
    public interface Sleeper {
        void sleep(Duration time) throws InterruptedException;
    }

    public HttpTransfer(AddressRules addresses, Duration stallLimit) {
        this(addresses, stallLimit, Thread::sleep);
    }

    public HttpTransfer(AddressRules addresses, Duration stallLimit, Sleeper sleeper) {
        this.addresses = addresses;
        this.stallLimit = stallLimit;
        this.sleeper = sleeper;
    }

    /// Fetches a file to `target`, going on where an earlier attempt stopped, and forces it to the disk.
    ///
    /// @param room asked for bytes before they are written; throws to refuse them
    /// @throws TransferException where it cannot be had or is not what it must be; a damaged one is deleted
    /// @throws IOException where the disk fails
    public void fetch(RemoteFile file, Path target, LongConsumer room, Deadline deadline, TransferProgress progress)
            throws IOException {
        var download = new Download(file, target, room, deadline, progress);
        retry(file.name(), deadline, () -> {
            download.attempt();
            return target;
        });
        DurableFiles.force(target);
    }

    /// Fetches a document into memory, from the start each time.
    ///
    /// @throws TransferException where it cannot be had, or is longer than `maxBytes`
    public byte[] document(RemoteFile file, int maxBytes, Deadline deadline) throws IOException {
        return retry(file.name(), deadline, () -> {
            HttpResponse<InputStream> response = open(file, Map.of(), deadline).response();
            try (InputStream body = response.body();
                    StallGuard guarded = StallGuard.over(body, stallLimit, deadline)) {
                requireFound(response, file);
                var bytes = new ByteArrayOutputStream();
                byte[] chunk = new byte[CHUNK_BYTES];
                for (int read = guarded.read(chunk); read >= 0; read = guarded.read(chunk)) {
                    bytes.write(chunk, 0, read);
                    if (bytes.size() > maxBytes) {
                        throw new TransferException(
                                Kind.DAMAGED, "%s is longer than %d bytes".formatted(file.name(), maxBytes));
                    }
                }
                return bytes.toByteArray();
            }
        });
    }

    @FunctionalInterface
    private interface Attempt<T> {
        T run() throws IOException;
    }

    /// A failure of the network, as opposed to one of the disk.
    private static final class BrokenOff extends IOException {
        private static final long serialVersionUID = 1L;

        /// What the host asked to wait.
        private final Duration pause;

        BrokenOff(String message, Duration pause) {
            super(message);
            this.pause = pause;
        }

        BrokenOff(IOException cause) {
            super(OneLine.reason(cause), cause);
            this.pause = Duration.ZERO;
        }
    }

    private <T> T retry(String what, Deadline deadline, Attempt<T> attempt) throws IOException {
        for (int number = 1; ; number++) {
            try {
                return attempt.run();
            } catch (BrokenOff e) {
                Duration backoff = FIRST_PAUSE.multipliedBy(1L << (number - 1));
                Duration pause = e.pause.compareTo(backoff) > 0 ? e.pause : backoff;
                boolean tooLate = deadline.left().compareTo(pause) <= 0;
                if (number == MAX_ATTEMPTS || tooLate) {
                    throw new TransferException(
                            Kind.UNAVAILABLE,
                            "%s did not arrive: %s (%d attempts%s)"
                                    .formatted(what, OneLine.reason(e), number, tooLate ? ", no time for another" : ""),
                            e);
                }
                pause(pause);
            }
        }
    }

    private void pause(Duration time) {
        try {
            sleeper.sleep(time);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private static TransferException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return new TransferException(Kind.UNAVAILABLE, "the transfer was interrupted", e);
    }

    /// One file on its way, over all attempts.
    private final class Download {
        private final RemoteFile file;
        private final Path target;
        private final LongConsumer room;
        private final Deadline deadline;
        private final TransferProgress progress;
        private FileFacts facts;
        private long grantedBytes;

        Download(RemoteFile file, Path target, LongConsumer room, Deadline deadline, TransferProgress progress) {
            this.file = file;
            this.target = target;
            this.room = room;
            this.deadline = deadline;
            this.progress = progress;
            this.facts = file.pinned();
        }

        void attempt() throws IOException {
            long offset = Files.exists(target, LinkOption.NOFOLLOW_LINKS) ? Files.size(target) : 0;
            var headers = new HashMap<String, String>();
            if (offset > 0) {
                headers.put("Range", "bytes=%d-".formatted(offset));
                if (!facts.version().isEmpty()) {
                    headers.put("If-Match", facts.version());
                }
            }
            Opened opened = open(file, headers, deadline);
            HttpResponse<InputStream> response = opened.response();
            try (InputStream body = response.body()) {
                switch (response.statusCode()) {
                    case 412 -> {
                        startOver();
                        throw new BrokenOff(file.name() + " changed while it was fetched", Duration.ZERO);
                    }
                    case 416 -> {
                        // Nothing is left to send: the file is whole, or longer than it may be, which verify finds.
                        facts = facts.or(opened.announced());
                        if (facts.hash().isEmpty()) {
                            startOver();
                            throw new BrokenOff("nobody knows whether %s is whole".formatted(file.name()), Duration.ZERO);
                        }
                    }
                    default -> {
                        requireFound(response, file);
                        receive(response, body, offset, opened.announced());
                    }
                }
            }
            verify(offset);
        }

        private void receive(HttpResponse<InputStream> response, InputStream body, long offset, FileFacts announced)
                throws IOException {
            long start = 0;
            if (response.statusCode() == 206) {
                start = offset;
                String range = response.headers().firstValue("Content-Range").orElse("");
                if (!range.startsWith("bytes %d-".formatted(offset))) {
                    startOver();
                    throw new BrokenOff("another part of " + file.name() + " was sent", Duration.ZERO);
                }
            } else {
                facts = file.pinned(); // a new transfer, maybe of other content than the last
            }
            facts = facts.or(announced);
            OptionalLong rest = response.headers().firstValueAsLong("Content-Length");
            if (rest.isPresent()) {
                facts = facts.or(FileFacts.ofSize(start + rest.getAsLong()));
            }
            write(body, start);
        }

        private void write(InputStream body, long start) throws IOException {
            long expected = facts.sizeBytes().orElse(-1);
            grant(Math.max(expected, start));
            StandardOpenOption mode = start > 0 ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
            long done = start;
            byte[] chunk = new byte[CHUNK_BYTES];
            try (var out = Files.newOutputStream(
                            target,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE,
                            mode,
                            LinkOption.NOFOLLOW_LINKS);
                    var transfer = progress.begin(file.name(), start, expected);
                    StallGuard guarded = StallGuard.over(body, stallLimit, deadline)) {
                for (int read = read(guarded, chunk); read >= 0; read = read(guarded, chunk)) {
                    if (expected >= 0 && done + read > expected) {
                        throw damaged("it is longer than the %d bytes announced".formatted(expected));
                    }
                    grant(done + read);
                    out.write(chunk, 0, read);
                    done += read;
                    transfer.at(done);
                }
            }
            if (done < expected) {
                throw new BrokenOff("it ended after %d of %d bytes".formatted(done, expected), Duration.ZERO);
            }
        }

        private static int read(StallGuard body, byte[] chunk) throws IOException {
            try {
                return body.read(chunk);
            } catch (IOException e) {
                throw new BrokenOff(e);
            }
        }

        private void grant(long bytes) {
            if (bytes > grantedBytes) {
                room.accept(bytes - grantedBytes);
                grantedBytes = bytes;
            }
        }

        private void verify(long offset) throws IOException {
            long size = Files.size(target);
            boolean sizeHolds = facts.sizeBytes().orElse(size) == size;
            if (sizeHolds && (facts.hash().isEmpty() || facts.hash().get().holdsFor(target))) {
                return;
            }
            if (offset > 0) {
                // Perhaps only what lay here before was damaged.
                startOver();
                throw new BrokenOff("what was here of %s did not fit the rest".formatted(file.name()), Duration.ZERO);
            }
            throw damaged(sizeHolds ? "its hash is not the one announced" : "its size is not the one announced");
        }

        private void startOver() throws IOException {
            Files.deleteIfExists(target);
            facts = file.pinned();
        }

        private TransferException damaged(String how) throws IOException {
            Files.deleteIfExists(target);
            return new TransferException(Kind.DAMAGED, "%s arrived damaged: %s".formatted(file.name(), how));
        }
    }

    private record Opened(HttpResponse<InputStream> response, FileFacts announced) {}

    /// Follows redirects by hand: the file's own host alone is told who asks, and is believed about the file.
    private Opened open(RemoteFile file, Map<String, String> headers, Deadline deadline) throws IOException {
        URI uri = file.uri();
        FileFacts facts = FileFacts.NONE;
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            boolean own = isSameHost(uri, file.uri());
            HttpResponse<InputStream> response = send(file, uri, headers, own, deadline);
            if (own) {
                facts = facts.or(file.announced().apply(response.headers()));
            }
            Optional<String> location = response.headers().firstValue("Location");
            if (response.statusCode() / 100 != 3 || location.isEmpty()) {
                return new Opened(response, facts);
            }
            response.body().close();
            uri = redirected(file, uri, location.get());
        }
        throw new TransferException(Kind.UNAVAILABLE, file.name() + " redirects without end");
    }

    private static URI redirected(RemoteFile file, URI from, String location) {
        try {
            return from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new TransferException(Kind.UNAVAILABLE, file.name() + " redirects to what is no address", e);
        }
    }

    private HttpResponse<InputStream> send(
            RemoteFile file, URI uri, Map<String, String> headers, boolean own, Deadline deadline) throws IOException {
        addresses.check(uri);
        if (deadline.isPast()) {
            throw new BrokenOff("it was not here before the deadline", Duration.ZERO);
        }
        var all = new HashMap<String, String>(headers);
        all.put("User-Agent", "openlora");
        if (own) {
            all.putAll(file.headers());
            all.putAll(file.signer().sign(uri, Map.copyOf(all)));
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(deadline.orSooner(stallLimit));
        all.forEach(request::header);
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            throw interrupted(e);
        } catch (IOException e) {
            throw new BrokenOff(e);
        }
    }

    private static boolean isSameHost(URI left, URI right) {
        return String.valueOf(left.getScheme()).equalsIgnoreCase(right.getScheme())
                && String.valueOf(left.getRawAuthority()).equalsIgnoreCase(right.getRawAuthority());
    }

    private static void requireFound(HttpResponse<?> response, RemoteFile file) throws IOException {
        int status = response.statusCode();
        String host = AddressRules.hostOf(response.uri());
        switch (status) {
            case 200, 206 -> {}
            case 401, 403 ->
                throw new TransferException(
                        Kind.FORBIDDEN, "%s refuses %s (status %d)".formatted(host, file.name(), status));
            case 404, 410 ->
                throw new TransferException(Kind.NOT_FOUND, "%s has no %s".formatted(host, file.name()));
            case 408, 425, 429, 500, 502, 503, 504 ->
                throw new BrokenOff("status %d of %s".formatted(status, host), retryAfter(response.headers()));
            default ->
                throw new TransferException(
                        Kind.UNAVAILABLE, "%s answers %s with status %d".formatted(host, file.name(), status));
        }
    }

    /// Seconds, or a date, which is not worth its parser: then the usual pause.
    private static Duration retryAfter(HttpHeaders headers) {
        String value = headers.firstValue("Retry-After").orElse("");
        return value.matches("[0-9]{1,6}") ? Duration.ofSeconds(Long.parseLong(value)) : Duration.ZERO;
    }
}
