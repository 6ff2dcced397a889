package org.openlora.adapters.transfer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openlora.adapters.transfer.ContentHash.Algorithm;
import org.openlora.adapters.transfer.TransferException.Kind;

/// Reads repositories in the layout of the Hugging Face hub: resolves revisions, and says where files are and which
/// hashes they have.
public final class HubClient {
    /// Where the hub is if nobody says otherwise.
    public static final URI PUBLIC_HUB = URI.create("https://huggingface.co");

    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final int MAX_LISTING_BYTES = 16 << 20;
    private static final JsonMapper JSON = new JsonMapper();

    private final URI endpoint;
    private final RequestSigner signer;
    private final HttpTransfer transfer;

    /// @param endpoint scheme, host and port
    /// @param token opens gated repositories; empty for none
    public HubClient(URI endpoint, String token, HttpTransfer transfer) {
        this.endpoint = endpoint;
        this.signer = RequestSigner.bearer(token);
        this.transfer = transfer;
    }

    /// A revision of a repository.
    ///
    /// @param commit 40 hexadecimal digits
    /// @param files the paths of its files
    public record Revision(String commit, Set<String> files) {
        public Revision {
            files = Set.copyOf(files);
        }
    }

    /// What a branch, tag or commit stands for now.
    ///
    /// @throws TransferException where the hub does not say
    public Revision revision(String repository, String name, Deadline deadline) throws IOException {
        URI uri = endpoint.resolve("/api/models/%s/revision/%s".formatted(repository, encoded(name)));
        String what = repository + " at " + name;
        JsonNode json = json(what, transfer.document(RemoteFile.of(what, uri, FileFacts.NONE, signer), MAX_LISTING_BYTES, deadline));
        String commit = json.path("sha").asText();
        if (!COMMIT.matcher(commit).matches()) {
            throw new TransferException(
                    Kind.DAMAGED, "%s names no commit for %s".formatted(AddressRules.hostOf(endpoint), repository));
        }
        Set<String> files = new HashSet<>();
        json.path("siblings").forEach(sibling -> files.add(sibling.path("rfilename").asText()));
        return new Revision(commit, files);
    }

    /// A file of a repository at a commit.
    public RemoteFile file(String repository, String commit, String path) {
        String encodedPath = Arrays.stream(path.split("/", -1)).map(HubClient::encoded).collect(Collectors.joining("/"));
        URI uri = endpoint.resolve("/%s/resolve/%s/%s".formatted(repository, commit, encodedPath));
        return new RemoteFile(repository + "/" + path, uri, FileFacts.NONE, HubClient::announced, Map.of(), signer);
    }

    /// The ETag is the SHA-256 of a file in LFS, and git's blob id of another.
    private static FileFacts announced(HttpHeaders headers) {
        String etag = Stream.of("X-Linked-ETag", "ETag")
                .flatMap(name -> headers.firstValue(name).stream())
                .findFirst()
                .map(value -> value.replaceFirst("^W/", "").replace("\"", ""))
                .orElse("");
        Optional<ContentHash> hash = SHA256.matcher(etag).matches()
                ? Optional.of(new ContentHash(Algorithm.SHA256, etag))
                : COMMIT.matcher(etag).matches()
                        ? Optional.of(new ContentHash(Algorithm.GIT_BLOB, etag))
                        : Optional.empty();
        OptionalLong size = headers.firstValueAsLong("X-Linked-Size");
        return new FileFacts(size, hash, "");
    }

    private static JsonNode json(String what, byte[] document) throws IOException {
        try {
            return JSON.readTree(document);
        } catch (JsonProcessingException e) {
            throw new TransferException(Kind.DAMAGED, "the hub's answer about %s is no JSON".formatted(what), e);
        }
    }

    private static String encoded(String segment) {
        return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
    }
}
