package org.openlora.adapters.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;

/// Looks at the folders under one adapter root, and reads them.
final class FolderReader {
    private final Path realRoot;
    private final BaseWeights base;
    private final RegistryStep.Observer observer;

    private FolderReader(Path realRoot, BaseWeights base, RegistryStep.Observer observer) {
        this.realRoot = realRoot;
        this.base = base;
        this.observer = observer;
    }

    /// Throws [AdapterException] where `root` is no folder.
    static FolderReader of(Path root, BaseWeights base, RegistryStep.Observer observer) {
        try {
            if (!Files.isDirectory(root)) {
                throw new AdapterException(Code.NOT_FOUND, unlistable(root));
            }
            return new FolderReader(root.toRealPath(), base, observer);
        } catch (IOException e) {
            throw new AdapterException(Code.NOT_FOUND, unlistable(root), e);
        }
    }

    private static String unlistable(Path root) {
        return "adapter root " + root + " is not a folder that can be listed";
    }

    /// The root with all links resolved.
    Path root() {
        return realRoot;
    }

    /// Names of all that lies under the root and is not hidden; which of it are adapters, [#look] tells.
    List<String> names() {
        var names = new ArrayList<String>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(realRoot)) {
            for (Path entry : entries) {
                String name = entry.getFileName().toString();
                if (!isHidden(name)) {
                    names.add(name);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new AdapterException(Code.NOT_FOUND, unlistable(realRoot), e);
        }
        return names;
    }

    /// Folders whose names begin with a dot are no adapters, so one may be filled under such a name and then
    /// moved.
    static boolean isHidden(String name) {
        return name.startsWith(".");
    }

    /// A cheap look at a folder.
    FolderListing look(String name) {
        return FolderListing.of(realRoot.resolve(name), base);
    }

    /// Reads a folder in full. One that changes meanwhile, and one whose files could not be read, must be read
    /// again.
    ///
    /// @param listing what [#look] gave before
    /// @return empty where it is gone by now
    Optional<FolderState> read(String name, FolderListing listing) {
        observer.reached(RegistryStep.CONTENT_READ);
        try {
            FoundAdapter found = folder(name).read(base);
            FolderListing after = look(name);
            if (isUnchanged(listing, after)) {
                return Optional.of(new FolderState.Sound(name, listing.fingerprint(), found));
            }
            return broken(name, after, null, new AdapterException(Code.CHANGED, "files changed while they were read"));
        } catch (AdapterException e) {
            FolderListing after = look(name);
            boolean lasting = !hasIoCause(e) && isUnchanged(listing, after);
            return broken(name, after, lasting ? listing.fingerprint() : null, e);
        }
    }

    private static Optional<FolderState> broken(
            String name, FolderListing after, @Nullable Digest fingerprint, AdapterException reason) {
        return after.isAdapter() ? Optional.of(new FolderState.Broken(name, fingerprint, reason)) : Optional.empty();
    }

    private static boolean isUnchanged(FolderListing before, FolderListing after) {
        return before.fingerprint() != null && before.fingerprint().equals(after.fingerprint());
    }

    /// Whether the files could not be had, which says nothing about what is in them.
    private static boolean hasIoCause(Throwable e) {
        boolean unreadable = e instanceof IOException && !(e instanceof JsonProcessingException);
        return unreadable || (e.getCause() != null && hasIoCause(e.getCause()));
    }

    AdapterFolder folder(String name) {
        return new AdapterFolder(realRoot, realRoot.resolve(name));
    }
}
