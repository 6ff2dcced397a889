package org.openlora.benchmarks.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.openlora.server.problem.Problem;

/// Where results go. A file is written whole or not at all, and an earlier one is never overwritten.
public final class ResultsFolder {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
            .build();

    private final Path folder;
    private final String name;

    /// @param kind of the measurement, such as `serving`
    /// @throws Problem if the folder cannot be made
    public ResultsFolder(Path folder, String kind, Provenance provenance) {
        this.folder = folder;
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw failure(folder, e);
        }
        String stem = provenance.fileName() + "-" + kind;
        String free = stem;
        for (int n = 2; Files.exists(folder.resolve(free + ".json")); n++) {
            free = stem + "-" + n;
        }
        name = free;
    }

    /// Writes a report of records as JSON and returns its path.
    public Path writeJson(Object report) {
        try {
            return write(".json", JSON.writeValueAsString(report) + "\n");
        } catch (IOException e) {
            throw failure(folder, e);
        }
    }

    /// Writes a picture beside the report.
    public Path writeSvg(String svg) {
        return write(".svg", svg);
    }

    private Path write(String extension, String text) {
        Path target = folder.resolve(name + extension);
        try {
            Path partial = Files.createTempFile(folder, name, ".partial");
            try {
                Files.writeString(partial, text);
                Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(partial);
            }
            return target;
        } catch (IOException e) {
            throw failure(target, e);
        }
    }

    private static Problem failure(Path path, IOException e) {
        return new Problem(
                "%s cannot be written: %s".formatted(path, Problem.describe(e)), "name another folder with --out", e);
    }
}
