package org.openlora.server.catalog;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.adapters.files.Hashes;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.server.problem.Problem;

/// What a pulled model consists of, as its `pin.json` records it at the first pull.
///
/// @param source one line that says where from
/// @param revision commit of the repository, or version of the package
/// @param files every file
record Pin(
        @JsonProperty(required = true) String source,
        @JsonProperty(required = true) String revision,
        @JsonProperty(required = true) List<PinnedFile> files) {
    static final String FILE_NAME = "pin.json";

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .build();

    Pin {
        files = List.copyOf(files);
    }

    /// One file.
    ///
    /// @param sha256 hexadecimal
    record PinnedFile(
            @JsonProperty(required = true) String name,
            @JsonProperty(required = true) long sizeBytes,
            @JsonProperty(required = true) String sha256) {}

    Optional<PinnedFile> file(String name) {
        return files.stream().filter(file -> file.name().equals(name)).findFirst();
    }

    Pin with(PinnedFile file) {
        List<PinnedFile> more = new ArrayList<>(files);
        more.removeIf(existing -> existing.name().equals(file.name()));
        more.add(file);
        return new Pin(source, revision, more);
    }

    /// Whether every file lies in the folder with its size; hashes are checked by [#verify].
    boolean complete(Path folder) {
        return files.stream().allMatch(file -> {
            try {
                return Files.size(folder.resolve(file.name())) == file.sizeBytes();
            } catch (IOException e) {
                return false;
            }
        });
    }

    /// Reads every file and compares its hash; a [Problem] names the first that differs.
    void verify(Path folder) throws IOException {
        for (PinnedFile file : files) {
            Path path = folder.resolve(file.name());
            String actual = Hashes.sha256(path);
            if (!actual.equals(file.sha256())) {
                throw new Problem(
                        "%s has SHA-256 %s, pinned is %s".formatted(path, actual, file.sha256()),
                        "delete the folder %s and pull the model again".formatted(folder));
            }
        }
    }

    static Optional<Pin> read(Path folder) throws IOException {
        Path file = folder.resolve(FILE_NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(MAPPER.readValue(Files.readAllBytes(file), Pin.class));
        } catch (JsonProcessingException e) {
            throw new Problem(
                    "%s is malformed: %s".formatted(file, e.getOriginalMessage()),
                    "delete the folder %s and pull the model again".formatted(folder),
                    e);
        }
    }

    void write(Path folder) throws IOException {
        DurableFiles.write(folder.resolve(FILE_NAME), MAPPER.writeValueAsBytes(this));
    }
}
