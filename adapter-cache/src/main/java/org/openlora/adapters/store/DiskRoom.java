package org.openlora.adapters.store;

import org.openlora.adapters.AdapterException;

/// Asks for bytes on the disk before they are written.
@FunctionalInterface
public interface DiskRoom {
    /// Sets aside so many bytes more, which may put idle adapters out.
    ///
    /// @throws AdapterException `TOO_LARGE` where they can never fit, `NO_ROOM` where they do not now
    void reserve(long bytes);
}
