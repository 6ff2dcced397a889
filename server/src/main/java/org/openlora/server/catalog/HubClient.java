package org.openlora.server.catalog;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.openlora.adapters.files.Hashes;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.server.problem.Problem;

/// Reads repositories in the layout of the Hugging Face hub: resolves revisions, fetches files with resumption.
///
/// `HF_ENDPOINT` names the hub, `HF_TOKEN` opens gated repositories; the token never follows a redirect to
/// another host.
final class HubClient {
    private static final URI PUBLIC_HUB = URI.create("https://huggingface.co");
    private static final int MAX_REDIRECTS = 8;
    private static final int MAX_ATTEMPTS = 5;
    /// Without a byte for so long, a transfer is given up and taken up again.
    private static final Duration STALL_LIMIT = Duration.ofSeconds(60);
    private static final int CHUNK_BYTES = 1 << 17;
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final JsonMapper JSON = new JsonMapper();

    private final URI endpoint;
    private final String token;
    private final Duration stallLimit;
    private final HttpClient http = HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(20))
            .build();

    HubClient(Map<String, String> environment) {
        this(environment, STALL_LIMIT);
    }

    HubClient(Map<String, String> environment, Duration stallLimit) {
        this.stallLimit = stallLimit;
        String configured = environment.getOrDefault("HF_ENDPOINT", "");
        this.endpoint = configured.isBlank() ? PUBLIC_HUB : parse(configured);
        this.token = environment.getOrDefault("HF_TOKEN", "");
    }

    /// A revision of a repository.
    ///
    /// @param commit 40 hexadecimal digits
    /// @param files the paths of its files
    record Revision(String commit, Set<String> files) {}

    /// What the hub says of a file before it sends it.
    ///
    /// @param etag SHA-256 for a file in LFS, git's blob id for another; empty where the hub says nothing
    record FileFacts(String etag, OptionalLong sizeBytes) {}

    Revision revision(String repository, String name) {
        URI uri = endpoint.resolve("/api/models/%s/revision/%s".formatted(repository, name));
        try {
            HttpResponse<InputStream> response = open(uri, 0).response();
            try (InputStream body = response.body()) {
                requireFound(response, repository + " at " + name);
                JsonNode json = JSON.readTree(body);
                String commit = json.path("sha").asText();
                if (!COMMIT.matcher(commit).matches()) {
                    throw new Problem("%s names no commit for %s".formatted(endpoint, repository), "check HF_ENDPOINT");
                }
                Set<String> files = new HashSet<>();
                json.path("siblings")
                        .forEach(sibling -> files.add(sibling.path("rfilename").asText()));
                return new Revision(commit, files);
            }
        } catch (IOException e) {
            throw unreachable(e);
        }
    }

    /// Fetches a file to `target`, going on where an earlier attempt stopped.
    ///
    /// Size and content are compared with what the hub said; a file that differs is deleted and refused.
    FileFacts fetch(String repository, String commit, String file, Path target, TransferProgress progress) {
        URI uri = endpoint.resolve("/%s/resolve/%s/%s".formatted(repository, commit, file));
        for (int attempt = 1; ; attempt++) {
            try {
                FileFacts facts = transfer(uri, repository + "/" + file, target, progress);
                verify(file, target, facts);
                DurableFiles.force(target);
                return facts;
            } catch (IOException e) {
                if (attempt == MAX_ATTEMPTS) {
                    throw unreachable(e);
                }
                pause(attempt);
            }
        }
    }

    private FileFacts transfer(URI uri, String what, Path target, TransferProgress progress) throws IOException {
        long offset = size(target);
        Opened opened = open(uri, offset);
        HttpResponse<InputStream> response = opened.response();
        try (InputStream body = response.body()) {
            if (response.statusCode() == 416) {
                // Nothing is left to send: the file is whole, or longer than it may be, which verify finds.
                return opened.facts();
            }
            requireFound(response, what);
            boolean resumed = response.statusCode() == 206;
            long start = resumed ? offset : 0;
            OptionalLong total = opened.facts().sizeBytes();
            long rest = response.headers().firstValueAsLong("Content-Length").orElse(-1);
            long expected = total.orElse(rest < 0 ? -1 : start + rest);
            write(body, target, start, expected, what, progress);
            return new FileFacts(
                    opened.facts().etag(), expected < 0 ? OptionalLong.empty() : OptionalLong.of(expected));
        }
    }

    private void write(InputStream body, Path target, long start, long expected, String what, TransferProgress progress)
            throws IOException {
        StandardOpenOption mode = start > 0 ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING;
        long done = start;
        byte[] chunk = new byte[CHUNK_BYTES];
        try (var out = Files.newOutputStream(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE, mode);
                var transfer = progress.begin(what, start, expected);
                StallGuard guarded = StallGuard.over(body, stallLimit)) {
            for (int read = guarded.read(chunk); read >= 0; read = guarded.read(chunk)) {
                out.write(chunk, 0, read);
                done += read;
                transfer.at(done);
            }
        }
        if (expected >= 0 && done < expected) {
            throw new IOException("%s ended after %d of %d bytes".formatted(what, done, expected));
        }
    }

    private static void verify(String file, Path target, FileFacts facts) throws IOException {
        long size = size(target);
        boolean sizeHolds = facts.sizeBytes().isEmpty() || facts.sizeBytes().getAsLong() == size;
        boolean hashHolds = SHA256.matcher(facts.etag()).matches()
                ? facts.etag().equals(Hashes.sha256(target))
                : !COMMIT.matcher(facts.etag()).matches() || facts.etag().equals(Hashes.gitBlob(target));
        if (!sizeHolds || !hashHolds) {
            Files.delete(target);
            throw new Problem(
                    "%s arrived damaged: its %s is not what the hub announced"
                            .formatted(file, sizeHolds ? "hash" : "size"),
                    "pull again");
        }
    }

    private record Opened(HttpResponse<InputStream> response, FileFacts facts) {}

    /// Follows redirects by hand: the first answer of the hub holds the file's facts, and the token stays with the hub.
    private Opened open(URI start, long offset) throws IOException {
        URI uri = start;
        FileFacts facts = new FileFacts("", OptionalLong.empty());
        for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
            HttpResponse<InputStream> response = send(uri, offset);
            if (isHub(uri)) {
                // A storage host behind the hub has ETags of its own, which are not content hashes.
                facts = merge(facts, response);
            }
            Optional<String> location = response.headers().firstValue("Location");
            if (response.statusCode() / 100 != 3 || location.isEmpty()) {
                return new Opened(response, facts);
            }
            response.body().close();
            uri = uri.resolve(location.get());
        }
        throw new IOException("%s redirects without end".formatted(start));
    }

    private HttpResponse<InputStream> send(URI uri, long offset) throws IOException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri).timeout(stallLimit).header("User-Agent", "openlora");
        if (offset > 0) {
            request.header("Range", "bytes=%d-".formatted(offset));
        }
        if (!token.isBlank() && isHub(uri)) {
            request.header("Authorization", "Bearer " + token);
        }
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem("the download was interrupted", "pull again, it goes on where it stopped", e);
        }
    }

    private boolean isHub(URI uri) {
        return endpoint.getAuthority().equals(uri.getAuthority());
    }

    private static FileFacts merge(FileFacts known, HttpResponse<?> response) {
        String etag = Stream.of("X-Linked-ETag", "ETag")
                .flatMap(name -> response.headers().firstValue(name).stream())
                .findFirst()
                .map(value -> value.replaceFirst("^W/", "").replace("\"", ""))
                .orElse("");
        OptionalLong size = response.headers().firstValueAsLong("X-Linked-Size");
        return new FileFacts(
                known.etag().isEmpty() ? etag : known.etag(), known.sizeBytes().isPresent() ? known.sizeBytes() : size);
    }

    private void requireFound(HttpResponse<?> response, String what) throws IOException {
        int status = response.statusCode();
        switch (status) {
            case 200, 206 -> {}
            case 401, 403 ->
                throw new Problem(
                        "%s refuses %s (status %d)".formatted(endpoint, what, status),
                        "set HF_TOKEN to a token that may read it");
            case 404 -> throw new Problem("%s has no %s".formatted(endpoint, what), "check the name and HF_ENDPOINT");
            default -> throw new IOException("status %d for %s".formatted(status, what));
        }
    }

    private Problem unreachable(IOException e) {
        return new Problem(
                "the hub at %s did not deliver: %s".formatted(endpoint, Problem.describe(e)),
                "check the network or set HF_ENDPOINT to a mirror; what has arrived is kept",
                e);
    }

    private static void pause(int attempt) {
        try {
            Thread.sleep(Duration.ofMillis(100L << attempt));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem("the download was interrupted", "pull again, it goes on where it stopped", e);
        }
    }

    private static long size(Path file) throws IOException {
        return Files.exists(file) ? Files.size(file) : 0;
    }

    private static URI parse(String endpoint) {
        URI uri;
        try {
            uri = URI.create(endpoint);
        } catch (IllegalArgumentException e) {
            throw new Problem("HF_ENDPOINT is %s, which is no URL".formatted(endpoint), "correct or unset it", e);
        }
        if (uri.getAuthority() == null || !Set.of("http", "https").contains(uri.getScheme())) {
            throw new Problem(
                    "HF_ENDPOINT is %s, which is no http or https URL".formatted(endpoint), "correct or unset it");
        }
        return uri;
    }
}
