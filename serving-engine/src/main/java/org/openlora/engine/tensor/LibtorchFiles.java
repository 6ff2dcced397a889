package org.openlora.engine.tensor;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Finds the folder with libtorch's shared libraries: the configured one, or that of the Maven artefact
/// `ai.djl.pytorch:pytorch-native-cpu` on the class path, unpacked once under `OPENLORA_HOME/native`.
final class LibtorchFiles {
    static final String LIBRARY = "libtorch_cpu.so";

    private static final Logger LOG = LoggerFactory.getLogger(LibtorchFiles.class);
    private static final String PROPERTIES = "/native/lib/pytorch.properties";

    private LibtorchFiles() {}

    /// Empty where there is none for this platform.
    ///
    /// @throws LibtorchException if the configured folder is not one of libtorch, or unpacking fails
    static Optional<Path> locate(GemmSettings settings) {
        Path configured = settings.libtorchDirectory();
        if (configured != null) {
            if (!Files.isRegularFile(configured.resolve(LIBRARY))) {
                throw new LibtorchException("%s: no %s there; %s must name the torch/lib of PyTorch 2.7 or newer"
                        .formatted(configured, LIBRARY, GemmSettings.DIRECTORY_PROPERTY));
            }
            return Optional.of(configured);
        }
        try {
            return unpacked(settings.home().resolve("native"));
        } catch (IOException e) {
            throw new LibtorchException("libtorch cannot be unpacked under %s: %s".formatted(settings.home(), e), e);
        }
    }

    private static Optional<Path> unpacked(Path parent) throws IOException {
        Properties properties = new Properties();
        try (InputStream input = LibtorchFiles.class.getResourceAsStream(PROPERTIES)) {
            if (input == null) {
                return Optional.empty();
            }
            properties.load(input);
        }
        String classifier = properties.getProperty("classifier", "");
        if (!classifier.equals(platform())) {
            return Optional.empty();
        }
        String flavor = properties.getProperty("flavor", "");
        Path target =
                parent.resolve("libtorch-%s-%s-%s".formatted(properties.getProperty("version"), flavor, classifier));
        if (!Files.exists(target)) {
            List<String> libraries =
                    List.of(properties.getProperty("libraries", "").split(","));
            LOG.info("Unpacking libtorch {} to {}", properties.getProperty("version"), target);
            unpack("/pytorch/%s/%s/".formatted(flavor, classifier), libraries, parent, target);
        }
        return Optional.of(target);
    }

    private static String platform() {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT).startsWith("linux") ? "linux" : "other";
        String machine = System.getProperty("os.arch");
        return system + "-" + (machine.equals("amd64") ? "x86_64" : machine);
    }

    /// The folder appears whole or not at all, also when two processes unpack it at once.
    private static void unpack(String resources, List<String> libraries, Path parent, Path target) throws IOException {
        Files.createDirectories(parent);
        Path temporary = Files.createTempDirectory(parent, "libtorch-");
        try {
            for (String library : libraries) {
                copyResource(resources + library, temporary.resolve(library));
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (FileSystemException e) {
            if (!Files.exists(target.resolve(LIBRARY))) {
                throw e;
            }
            LOG.debug("Another process unpacked {} first", target);
        } finally {
            deleteTree(temporary);
        }
    }

    private static void copyResource(String resource, Path file) throws IOException {
        try (InputStream input = LibtorchFiles.class.getResourceAsStream(resource)) {
            if (input == null) {
                throw new IOException("resource " + resource + " is missing on the class path");
            }
            Files.copy(input, file);
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    private static void deleteTree(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
