package org.openlora.meter.chain;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// Runs the scripts of `contracts/` with the pinned npm packages, which are installed under `target/`.
final class NodeTools {
    private static final Path CONTRACTS = TestChain.TARGET.resolveSibling("contracts");
    private static final Path FOLDER = TestChain.TARGET.resolve("contract-tools");
    private static final String PROBLEM = install();

    private NodeTools() {}

    /// Skips the test, with the reason, where Node.js or the packages cannot be had.
    static void require() {
        if (!PROBLEM.isEmpty()) {
            System.out.println("skipped: " + PROBLEM);
        }
        assumeTrue(PROBLEM.isEmpty(), "skipped: " + PROBLEM);
    }

    /// Whether npm brought the Solidity test runner, which is built for one platform alone.
    static boolean hasForge() {
        return Files.isExecutable(FOLDER.resolve("node_modules/@foundry-rs/forge-linux-amd64/bin/forge"));
    }

    record Outcome(int status, String output) {}

    /// Runs `node SCRIPT ARGUMENTS` in the contracts folder.
    static Outcome node(String script, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("node", script));
        command.addAll(List.of(arguments));
        return run(CONTRACTS, command, 180);
    }

    static Outcome run(Path folder, List<String> command, int limitSeconds) throws IOException, InterruptedException {
        ProcessBuilder builder =
                new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        builder.environment()
                .put(
                        "OPENLORA_NODE_MODULES",
                        FOLDER.resolve("node_modules").toAbsolutePath().toString());
        builder.environment()
                .put(
                        "OPENLORA_FORGE_OUT",
                        TestChain.TARGET.resolve("forge").toAbsolutePath().toString());
        Process process = builder.start();
        String output;
        try (InputStream stream = process.getInputStream()) {
            output = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        }
        if (!process.waitFor(limitSeconds, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            return new Outcome(-1, output + " (took longer than " + limitSeconds + " s)");
        }
        return new Outcome(process.exitValue(), output);
    }

    /// Empty, or why there are no packages.
    private static String install() {
        Path lock = FOLDER.resolve("package-lock.json");
        Path done = FOLDER.resolve("node_modules/.package-lock.json");
        try {
            Files.createDirectories(FOLDER);
            Path pinned = CONTRACTS.resolve("package-lock.json");
            if (Files.exists(done) && Files.exists(lock) && Files.mismatch(pinned, lock) == -1) {
                return "";
            }
            Files.copy(
                    CONTRACTS.resolve("package.json"),
                    FOLDER.resolve("package.json"),
                    StandardCopyOption.REPLACE_EXISTING);
            Files.copy(pinned, lock, StandardCopyOption.REPLACE_EXISTING);
            Outcome outcome = run(FOLDER, List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), 180);
            return outcome.status() == 0
                    ? ""
                    : "npm ci failed: " + outcome.output().strip();
        } catch (IOException e) {
            return "npm cannot be run: " + e.getMessage();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted while npm was running";
        }
    }
}
