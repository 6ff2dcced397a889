package org.openlora.adapters.origin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedSet;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterOrigin.HttpsFiles;
import org.openlora.adapters.origin.AdapterOrigin.HubRepository;
import org.openlora.adapters.origin.AdapterOrigin.LocalFolder;
import org.openlora.adapters.origin.AdapterOrigin.S3Prefix;
import org.openlora.adapters.safetensors.SafetensorsCheckpoint;
import org.openlora.adapters.safetensors.SafetensorsException;
import org.openlora.adapters.store.DiskRoom;
import org.openlora.adapters.transfer.ContentHash;
import org.openlora.adapters.transfer.ContentHash.Algorithm;
import org.openlora.adapters.transfer.Deadline;
import org.openlora.adapters.transfer.FileFacts;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.RemoteFile;
import org.openlora.adapters.transfer.RequestSigner;
import org.openlora.adapters.transfer.TransferException;
import org.openlora.adapters.transfer.TransferProgress;

/// Fetches from every kind of [AdapterOrigin] that the operator allows, never more than an adapter may have, and
/// nothing but the files of an adapter.
public final class OriginFetcher implements AdapterFetcher {
    private static final String WEIGHTS_NAME = "adapter_model";

    private final FetchLimits limits;
    private final AllowedOrigins allowed;
    private final HttpTransfer transfer;
    private final HubClient hub;
    private final S3Client s3;

    /// What one fetch may take.
    ///
    /// @param maxAdapterBytes of all files together
    /// @param timeLimit whatever the caller's deadline says
    public record FetchLimits(long maxAdapterBytes, Duration timeLimit) {
        public FetchLimits {
            if (maxAdapterBytes < 1 || !timeLimit.isPositive()) {
                throw new IllegalArgumentException("fetch limits: " + maxAdapterBytes + " bytes, " + timeLimit);
            }
        }
    }

    /// @param transfer whose address rules hold for all that is fetched
    /// @param s3 signs with the credentials that it is given
    public OriginFetcher(
            FetchLimits limits,
            AllowedOrigins allowed,
            HttpTransfer transfer,
            HubClient hub,
            S3Settings s3,
            RequestSigner s3Signer) {
        this.limits = limits;
        this.allowed = allowed;
        this.transfer = transfer;
        this.hub = hub;
        this.s3 = new S3Client(s3, s3Signer, transfer);
    }

    @Override
    public AdapterOrigin fetch(AdapterOrigin origin, Path folder, DiskRoom room, Instant deadline) {
        allowed.check(origin);
        Deadline end = Deadline.at(deadline.isBefore(Instant.now().plus(limits.timeLimit()))
                ? deadline
                : Instant.now().plus(limits.timeLimit()));
        try {
            return fetch(origin, new Target(folder, room, end));
        } catch (AdapterException e) {
            throw new AdapterException(e.code(), place(origin) + ": " + OneLine.reason(e), e);
        } catch (TransferException e) {
            throw new AdapterException(code(e), place(origin) + ": " + OneLine.reason(e), e);
        } catch (IOException e) {
            throw new AdapterException(
                    Code.UNAVAILABLE, place(origin) + ": its files cannot be written: " + OneLine.reason(e), e);
        }
    }

    private AdapterOrigin fetch(AdapterOrigin origin, Target target) throws IOException {
        switch (origin) {
            case LocalFolder local -> {
                fetchSelected(namesIn(local.folder()), target, name -> new Local(local.folder(), name));
                return local;
            }
            case HubRepository repository -> {
                HubClient.Revision revision =
                        hub.revision(repository.repository(), repository.revision(), target.deadline());
                HubRepository pinned = repository.at(revision.commit());
                String prefix = pinned.subfolder().isEmpty() ? "" : pinned.subfolder() + "/";
                Set<String> names = revision.files().stream()
                        .filter(path -> path.startsWith(prefix) && path.indexOf('/', prefix.length()) < 0)
                        .map(path -> path.substring(prefix.length()))
                        .collect(Collectors.toSet());
                fetchSelected(
                        names,
                        target,
                        name -> new Remote(hub.file(pinned.repository(), pinned.revision(), prefix + name)));
                return pinned;
            }
            case S3Prefix prefix -> {
                fetchSelected(s3.names(prefix, target.deadline()), target, name -> new Remote(s3.file(prefix, name)));
                return prefix;
            }
            case HttpsFiles files -> {
                fetchSelected(files.sha256().keySet(), target, name -> new Remote(file(files, name)));
                return files;
            }
        }
    }

    /// Config, manifest, and the weights: with an index, the shards that it names and no others.
    private void fetchSelected(Set<String> names, Target target, Function<String, Source> source) throws IOException {
        SortedSet<String> selected = AdapterFiles.select(names);
        Set<String> done = new HashSet<>();
        for (String name : selected) {
            if (!AdapterFiles.isShard(name) || name.equals(AdapterFiles.WEIGHTS)) {
                fetchFile(source.apply(name), name, target);
                done.add(name);
            }
        }
        if (done.contains(AdapterFiles.INDEX)) {
            for (String shard : shards(target.folder())) {
                if (!selected.contains(shard)) {
                    throw new AdapterException(
                            Code.INVALID, "there is no shard " + OneLine.quote(shard) + ", which the index names");
                }
                fetchFile(source.apply(shard), shard, target);
            }
        }
    }

    private static List<String> shards(Path folder) {
        try {
            return SafetensorsCheckpoint.files(folder, WEIGHTS_NAME).stream()
                    .map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals(AdapterFiles.INDEX))
                    .toList();
        } catch (SafetensorsException e) {
            throw new AdapterException(
                    Code.INVALID, OneLine.reason(e).replace(folder + folder.getFileSystem().getSeparator(), ""), e);
        }
    }

    private void fetchFile(Source source, String name, Target target) throws IOException {
        Path file = target.folder().resolve(name);
        switch (source) {
            case Remote remote ->
                transfer.fetch(remote.file(), file, target, target.deadline(), TransferProgress.silent());
            case Local local -> local.copy(file, target);
        }
    }

    private static RemoteFile file(HttpsFiles files, String name) {
        Digest sha256 = Optional.ofNullable(files.sha256().get(name)).orElseThrow();
        return RemoteFile.of(
                name,
                files.base().resolve(name),
                new FileFacts(
                        OptionalLong.empty(), Optional.of(new ContentHash(Algorithm.SHA256, sha256.hex())), ""),
                RequestSigner.none());
    }

    private static Set<String> namesIn(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new AdapterException(Code.NOT_FOUND, "there is no such folder");
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    /// Without the hashes of an HTTPS origin, which fill lines.
    private static String place(AdapterOrigin origin) {
        return switch (origin) {
            case HttpsFiles files -> files.base().toString();
            case LocalFolder _, HubRepository _, S3Prefix _ -> origin.toString();
        };
    }

    private static Code code(TransferException e) {
        return switch (e.kind()) {
            case NOT_FOUND -> Code.NOT_FOUND;
            case REFUSED -> Code.REFUSED;
            case FORBIDDEN, DAMAGED, UNAVAILABLE -> Code.UNAVAILABLE;
        };
    }

    private sealed interface Source permits Remote, Local {}

    private record Remote(RemoteFile file) implements Source {}

    private record Local(Path folder, String name) implements Source {
        /// Copies the file; a link that leads out of the folder is refused.
        void copy(Path target, LongConsumer room) throws IOException {
            Path file = folder.resolve(name).toRealPath();
            if (!file.startsWith(folder.toRealPath()) || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new AdapterException(
                        Code.INVALID, OneLine.quote(name) + " is no file, or a link that leads out of its folder");
            }
            room.accept(Files.size(file));
            Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /// Where one fetch goes, and what it may still write.
    private final class Target implements LongConsumer {
        private final Path folder;
        private final DiskRoom room;
        private final Deadline deadline;
        private long bytes;

        Target(Path folder, DiskRoom room, Deadline deadline) {
            this.folder = folder;
            this.room = room;
            this.deadline = deadline;
        }

        Path folder() {
            return folder;
        }

        Deadline deadline() {
            return deadline;
        }

        @Override
        public void accept(long more) {
            bytes = more > Long.MAX_VALUE - bytes ? Long.MAX_VALUE : bytes + more;
            if (bytes > limits.maxAdapterBytes()) {
                throw new AdapterException(
                        Code.TOO_LARGE,
                        "an adapter of at least " + bytes + " bytes; allowed: " + limits.maxAdapterBytes());
            }
            room.reserve(more);
        }
    }
}
