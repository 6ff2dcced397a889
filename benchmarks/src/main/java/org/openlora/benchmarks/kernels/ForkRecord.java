package org.openlora.benchmarks.kernels;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.openlora.benchmarks.machine.Ceilings;
import org.openlora.benchmarks.machine.Peak;

/// What a fork knows and JMH does not: how much work an operation is, and what the machine gave before and after.
///
/// Forks append theirs as lines of JSON to a file that the parent names.
///
/// @param benchmark id of the benchmark with its parameters, as JMH writes it
/// @param bytesPerOperation read from memory, 0 where reading does not matter
/// @param flopsPerOperation 0 where arithmetic does not matter
/// @param peak of the arithmetic that the kernel uses
record ForkRecord(
        String benchmark,
        double bytesPerOperation,
        double flopsPerOperation,
        Peak peak,
        Ceilings before,
        Ceilings after) {
    /// System property with the file's path; without it nothing is written.
    static final String FILE_PROPERTY = "openlora.bench.forks";

    private static final ObjectMapper JSON = new ObjectMapper();

    void append(Path file) {
        try {
            Files.writeString(
                    file, JSON.writeValueAsString(this) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be written", e);
        }
    }

    static List<ForkRecord> readAll(Path file) {
        try (var lines = Files.lines(file)) {
            return lines.map(ForkRecord::parse).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(file + " cannot be read", e);
        }
    }

    private static ForkRecord parse(String line) {
        try {
            return JSON.readValue(line, ForkRecord.class);
        } catch (IOException e) {
            throw new UncheckedIOException("a fork wrote " + line, e);
        }
    }
}
