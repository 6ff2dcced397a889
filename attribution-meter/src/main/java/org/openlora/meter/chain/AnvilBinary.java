package org.openlora.meter.chain;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Finds anvil: the environment, the search path, what npm installed before; else npm installs the pinned
/// package.
public final class AnvilBinary {
    public static final String ENVIRONMENT = "OPENLORA_ANVIL";
    private static final String INSTALLED = "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
    private static final long INSTALL_LIMIT_SECONDS = 300;

    private AnvilBinary() {}

    /// @param folder where npm installs to
    public static Optional<Path> find(Path folder, Map<String, String> environment, Consumer<String> report)
            throws IOException {
        String named = environment.get(ENVIRONMENT);
        if (named != null) {
            if (!Files.isExecutable(Path.of(named))) {
                throw new IOException(ENVIRONMENT + " names " + named + ", which is not an executable file");
            }
            return Optional.of(Path.of(named));
        }
        return onSearchPath("anvil", environment)
                .or(() -> installed(folder))
                .or(() -> install(folder, environment, report));
    }

    private static Optional<Path> installed(Path folder) {
        return Optional.of(folder.resolve(INSTALLED)).filter(Files::isExecutable);
    }

    private static Optional<Path> onSearchPath(String program, Map<String, String> environment) {
        return Stream.of(environment.getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(folder -> !folder.isEmpty())
                .map(folder -> Path.of(folder, program))
                .filter(path -> Files.isRegularFile(path) && Files.isExecutable(path))
                .findFirst();
    }

    private static Optional<Path> install(Path folder, Map<String, String> environment, Consumer<String> report) {
        Optional<Path> npm = onSearchPath("npm", environment);
        if (npm.isEmpty() || onSearchPath("node", environment).isEmpty()) {
            report.accept(
                    "no local chain: neither anvil nor Node.js with npm was found; install Node.js 20 or newer, or"
                            + " set " + ENVIRONMENT + " to an anvil binary");
            return Optional.empty();
        }
        try {
            copy("package.json", folder);
            copy("package-lock.json", folder);
            report.accept("installing the local chain (anvil, 19 MB) with npm into " + folder);
            String failure = npmInstall(npm.get(), folder, environment);
            Optional<Path> anvil = installed(folder);
            if (anvil.isEmpty()) {
                report.accept("no local chain: npm brought no anvil for this platform" + failure);
            }
            return anvil;
        } catch (IOException e) {
            report.accept("no local chain: npm could not be run: " + e.getMessage());
            return Optional.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            report.accept("no local chain: interrupted while npm was installing it");
            return Optional.empty();
        }
    }

    /// Runs npm without install scripts: the binary is run directly, so the package's own wrapper is not needed.
    ///
    /// @return empty text, or what went wrong
    private static String npmInstall(Path npm, Path folder, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path log = folder.resolve("npm.log");
        ProcessBuilder builder = new ProcessBuilder(
                        List.of(npm.toString(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        if (!process.waitFor(INSTALL_LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return " (npm took longer than " + INSTALL_LIMIT_SECONDS + " s)";
        }
        return process.exitValue() == 0 ? "" : " (npm ended with status " + process.exitValue() + "; see " + log + ")";
    }

    private static void copy(String name, Path folder) throws IOException {
        try (InputStream resource = AnvilBinary.class.getResourceAsStream("/chain/" + name)) {
            Path temporary = folder.resolve(name + ".tmp");
            Files.copy(
                    Objects.requireNonNull(resource, "/chain/" + name + " is missing from the build"),
                    temporary,
                    StandardCopyOption.REPLACE_EXISTING);
            Files.move(temporary, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
        }
    }
}
