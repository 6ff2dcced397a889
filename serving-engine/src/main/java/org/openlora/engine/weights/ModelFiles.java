package org.openlora.engine.weights;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// The form in which a model lies on disk.
public sealed interface ModelFiles {
    /// A directory as the Hugging Face hub lays it out.
    record HuggingFace(Path directory) implements ModelFiles {}

    /// One GGUF file, which holds weights, tokenizer and chat template.
    record Gguf(Path file) implements ModelFiles {}

    /// Looks at what is there: a `.gguf` file, a directory with `config.json` or `tokenizer.json`, or a directory
    /// with one `.gguf` file.
    ///
    /// @throws ModelLoadException where it is none of these
    static ModelFiles locate(Path path) {
        if (Files.isRegularFile(path)) {
            if (isGguf(path)) {
                return new Gguf(path);
            }
            throw new ModelLoadException("%s is not a model: allowed are a directory or a .gguf file".formatted(path));
        }
        if (!Files.isDirectory(path)) {
            throw new ModelLoadException("%s does not exist".formatted(path));
        }
        if (Files.exists(path.resolve("config.json")) || Files.exists(path.resolve("tokenizer.json"))) {
            return new HuggingFace(path);
        }
        List<Path> files = ggufFiles(path);
        if (files.size() == 1) {
            return new Gguf(files.getFirst());
        }
        throw new ModelLoadException(
                files.isEmpty()
                        ? "%s holds no model: neither config.json nor a .gguf file is in it".formatted(path)
                        : "%s holds %d .gguf files; name one of them".formatted(path, files.size()));
    }

    private static List<Path> ggufFiles(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> isGguf(file) && Files.isRegularFile(file))
                    .toList();
        } catch (IOException e) {
            throw new ModelLoadException("%s cannot be listed: %s".formatted(directory, e), e);
        }
    }

    private static boolean isGguf(Path path) {
        return path.toString().endsWith(".gguf");
    }
}
