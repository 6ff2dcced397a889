package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

    /// Throws [AdapterException] where the folder or a file of the adapter lies outside the root.
    void requireInside() {
        requireInside(directory);
        requireInside(directory.resolve(PeftConfig.FILE_NAME));
        Path manifest = directory.resolve(AdapterManifest.FILE_NAME);
        if (Files.exists(manifest)) {
            requireInside(manifest);
        }
        PeftAdapter.weightFiles(directory).forEach(this::requireInside);
    }

    /// Reads all of it; throws [AdapterException].
    FoundAdapter read(BaseWeights base) {
        AdapterNames.check(name());
        requireInside();
        // The manifest first: that an adapter is for another base says more than shapes that do not fit.
        return read(directory, manifest(directory, base), base);
    }

    /// Reads weights in full; throws [AdapterException].
    static FoundAdapter read(Path directory, @Nullable AdapterManifest manifest, BaseWeights base) {
        PeftAdapter read = PeftAdapter.read(directory, base);
        return new FoundAdapter(read.digest(), manifest, read.size(), read.largestRank());
    }

    /// The manifest in a folder, if there is one; throws [AdapterException] where it is broken or for another
    /// base.
    static @Nullable AdapterManifest manifest(Path directory, BaseWeights base) {
        Path file = directory.resolve(AdapterManifest.FILE_NAME);
        if (!Files.exists(file)) {
            return null;
        }
        AdapterManifest manifest = AdapterManifest.read(file);
        if (!manifest.base().contains(base.digest())) {
            throw new AdapterException(
                    Code.WRONG_BASE,
                    AdapterManifest.FILE_NAME + ": made for base "
                            + manifest.base().stream().map(Digest::toString).collect(Collectors.joining(" or "))
                            + ", but the served base is " + base.digest());
        }
        return manifest;
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
