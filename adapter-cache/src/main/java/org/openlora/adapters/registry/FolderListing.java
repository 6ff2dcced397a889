package org.openlora.adapters.registry;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.adapters.Utf8;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.peft.PeftConfig;

/// A cheap look into a folder: whether it claims to be an adapter, and what tells that it has probably not
/// changed since another look: names, sizes, times and file keys of all it holds. Only a saving: at load the
/// content digest decides.
///
/// @param fingerprint null where a file could not be looked at, so that the folder must be read
record FolderListing(boolean isAdapter, @Nullable Digest fingerprint) {
    private static final String DOMAIN = "openlora/adapter-folder/v1";
    private static final FolderListing NO_ADAPTER = new FolderListing(false, null);

    /// Looks into `folder`; the fingerprint is that of reading it for `base`.
    static FolderListing of(Path folder, BaseWeights base) {
        var names = new TreeSet<>(Utf8.BYTE_ORDER);
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
            entries.forEach(entry -> names.add(entry.getFileName().toString()));
        } catch (IOException | DirectoryIteratorException e) {
            // No folder, or one that is gone or closed to us by now: there is nothing to serve.
            return NO_ADAPTER;
        }
        if (!names.contains(PeftConfig.FILE_NAME)) {
            return NO_ADAPTER;
        }
        var digest = new DigestBuilder(DOMAIN).raw(base.digest().bytes()).u64(PeftAdapter.READER_VERSION);
        try {
            for (String name : names) {
                BasicFileAttributes file = Files.readAttributes(folder.resolve(name), BasicFileAttributes.class);
                digest.lp(name)
                        .u64(file.size())
                        .u64(file.lastModifiedTime().to(TimeUnit.NANOSECONDS))
                        .lp(String.valueOf(file.fileKey()));
            }
        } catch (IOException e) {
            return new FolderListing(true, null);
        }
        return new FolderListing(true, digest.finish());
    }
}
