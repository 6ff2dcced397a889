package org.openlora.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.origin.AdapterFetcher;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.store.DiskRoom;

/// Fetches from folders, file by file, and stops between them; what it is to fetch may be gone by then.
final class SimulatedOrigins implements AdapterFetcher {
    @Override
    public AdapterOrigin fetch(AdapterOrigin origin, Path folder, DiskRoom room, Instant deadline) {
        if (!(origin instanceof AdapterOrigin.LocalFolder(Path from))) {
            throw new AdapterException(Code.REFUSED, origin + " is no folder");
        }
        for (String name : List.of(AdapterShelf.CONFIG, AdapterShelf.WEIGHTS)) {
            Fibre.pause();
            try {
                byte[] bytes = Files.readAllBytes(from.resolve(name));
                room.reserve(bytes.length);
                Files.write(folder.resolve(name), bytes);
            } catch (java.nio.file.NoSuchFileException e) {
                throw new AdapterException(Code.NOT_FOUND, name + " is not at " + origin, e);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return origin;
    }
}
