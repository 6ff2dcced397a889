package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What tells cheaply that a folder has probably not changed. Only a saving: at load the content digest decides.
record FolderFingerprint(List<Stamp> stamps) {
    record Stamp(String file, FileTime modified, long sizeBytes, String fileKey) {}

    FolderFingerprint {
        stamps = List.copyOf(stamps);
    }

    /// Empty where a file vanished meanwhile.
    static Optional<FolderFingerprint> of(List<Path> files) {
        try {
            var stamps = new ArrayList<Stamp>();
            for (Path file : files) {
                BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                stamps.add(new Stamp(
                        file.toString(),
                        attributes.lastModifiedTime(),
                        attributes.size(),
                        String.valueOf(attributes.fileKey())));
            }
            return Optional.of(new FolderFingerprint(stamps));
        } catch (IOException vanished) {
            return Optional.empty();
        }
    }
}
