package org.openlora.benchmarks.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openlora.benchmarks.machine.MachineClass;

/// What is needed to repeat a measurement.
///
/// @param startedAt UTC
/// @param commit the source's, with `-dirty` where files differ from it; `unknown` outside a repository
/// @param commandLine as typed after the launcher
public record Provenance(String startedAt, String commit, List<String> commandLine, MachineClass machine) {
    private static final long GIT_SECONDS = 10;

    public Provenance {
        commandLine = List.copyOf(commandLine);
    }

    /// Of a measurement that begins now.
    ///
    /// @param arguments of the command `bench`
    public static Provenance now(Path root, List<String> arguments) {
        List<String> command = new ArrayList<>(List.of("./openlora", "bench"));
        command.addAll(arguments);
        return new Provenance(
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                commit(root),
                command,
                MachineClass.current());
    }

    /// Name of the files of this run, without extension: date, machine class, commit.
    public String fileName() {
        return "%s-%s-%s".formatted(startedAt.substring(0, 10), machine.slug(), commit);
    }

    private static String commit(Path root) {
        try {
            Process git = new ProcessBuilder(
                            "git",
                            "-C",
                            root.toString(),
                            "describe",
                            "--always",
                            "--dirty",
                            "--abbrev=10",
                            "--exclude=*")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String text;
            try (InputStream output = git.getInputStream()) {
                text = new String(output.readAllBytes(), StandardCharsets.UTF_8).strip();
            }
            return git.waitFor(GIT_SECONDS, TimeUnit.SECONDS) && git.exitValue() == 0 ? text : "unknown";
        } catch (IOException e) {
            return "unknown"; // no git on this machine
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }
}
