package org.openlora.adapters.origin;

import java.nio.file.Path;
import java.time.Instant;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.store.DiskRoom;

/// Brings the files of adapters here. Called from many threads; blocks, so call it on a virtual thread.
@FunctionalInterface
public interface AdapterFetcher {
    /// Fetches the files of the adapter at `origin` into an existing, empty folder: config, weights, and the manifest
    /// where there is one. Whether they make a sound adapter is for the reader to say.
    ///
    /// @param room asked before each write; gives the bytes back with the folder
    /// @param deadline after which it is given up
    /// @return the origin that names exactly what was fetched: a branch of a hub becomes its commit
    /// @throws AdapterException `REFUSED` where the origin is not allowed here, `NOT_FOUND`, `INVALID` or
    ///     `UNSUPPORTED` for what lies there, `TOO_LARGE`, `NO_ROOM`, `UNAVAILABLE` where it did not come in time
    ///     or whole; the message names the origin and no secret
    AdapterOrigin fetch(AdapterOrigin origin, Path folder, DiskRoom room, Instant deadline);
}
