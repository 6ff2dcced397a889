package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.peft.PeftConfig;

/// A folder directly under the adapter root.
///
/// @param realRoot the root with all links resolved; nothing outside it is read
record AdapterFolder(Path realRoot, Path directory) {
    String name() {
        return directory.getFileName().toString();
    }

    /// The files whose change makes a new version. Throws [AdapterException] where one lies outside the root.
    List<Path> files() {
        var files = new ArrayList<Path>();
        requireInside(directory);
        files.add(directory.resolve(PeftConfig.FILE_NAME));
        if (Files.exists(manifestFile())) {
            files.add(manifestFile());
        }
        files.addAll(PeftAdapter.weightFiles(directory));
        files.forEach(this::requireInside);
        return files;
    }

    /// Reads all of it; throws [AdapterException].
    AdapterVersion read(BaseWeights base) {
        AdapterNames.check(name());
        files();
        // The manifest first: that an adapter is for another base says more than shapes that do not fit.
        AdapterManifest manifest = manifest(base);
        return new AdapterVersion(name(), PeftAdapter.read(directory, base), manifest);
    }

    private @Nullable AdapterManifest manifest(BaseWeights base) {
        if (!Files.exists(manifestFile())) {
            return null;
        }
        AdapterManifest manifest = AdapterManifest.read(manifestFile());
        if (!manifest.base().contains(base.digest())) {
            throw new AdapterException(
                    Code.WRONG_BASE,
                    AdapterManifest.FILE_NAME + ": made for base "
                            + manifest.base().stream().map(Digest::toString).collect(Collectors.joining(" or "))
                            + ", but the served base is " + base.digest());
        }
        return manifest;
    }

    private Path manifestFile() {
        return directory.resolve(AdapterManifest.FILE_NAME);
    }

    private void requireInside(Path path) {
        try {
            if (!path.toRealPath().startsWith(realRoot)) {
                throw new AdapterException(
                        Code.INVALID,
                        OneLine.quote(path.getFileName().toString())
                                + " links outside the adapter root; allowed: files and links within it");
            }
        } catch (IOException e) {
            throw new AdapterException(
                    Code.INVALID,
                    OneLine.quote(path.getFileName().toString()) + " cannot be read: "
                            + e.getClass().getSimpleName(),
                    e);
        }
    }
}
