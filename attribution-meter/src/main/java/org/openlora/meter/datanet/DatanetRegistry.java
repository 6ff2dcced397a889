package org.openlora.meter.datanet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// The datanets that a lineage may name, by digest, in the order of their registration. Safe for use by many
/// threads.
public final class DatanetRegistry {
    private final Map<Bytes32, Datanet> byDigest = new LinkedHashMap<>();

    /// Registers every sub-folder with a `datanet.yaml`, in the order of the folders' names.
    ///
    /// @throws IOException where a folder cannot be read
    /// @throws DocumentException where a datanet breaks the format, or two have the same rows
    public static DatanetRegistry ofFolder(Path root) throws IOException {
        DatanetRegistry registry = new DatanetRegistry();
        List<Path> folders;
        try (Stream<Path> entries = Files.list(root)) {
            folders = entries.filter(folder -> Files.isRegularFile(folder.resolve(Datanet.FILE_NAME)))
                    .sorted()
                    .toList();
        }
        for (Path folder : folders) {
            registry.register(Datanet.read(folder));
        }
        return registry;
    }

    /// Adds a datanet behind those that are there.
    ///
    /// @throws DocumentException where one with the same rows is registered
    public synchronized void register(Datanet datanet) {
        Datanet present = byDigest.putIfAbsent(datanet.digest(), datanet);
        if (present != null) {
            throw new DocumentException("datanet '" + datanet.id() + "' has the same rows as '" + present.id()
                    + "', which is registered: " + Sha256.text(datanet.digest()));
        }
    }

    public synchronized Optional<Datanet> find(Bytes32 digest) {
        return Optional.ofNullable(byDigest.get(digest));
    }

    /// All, in the order of their registration.
    public synchronized Collection<Datanet> all() {
        return List.copyOf(byDigest.values());
    }
}
