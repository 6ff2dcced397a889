package org.openlora.adapters.store;

import java.nio.file.Path;
import org.openlora.adapters.Digest;

/// A hold on a stored adapter: its folder stays as long as this is open. Thread-safe.
public interface StoredAdapter extends AutoCloseable {
    Digest digest();

    /// Holds config and weights, what the digest covers; no manifest. To be read, never written.
    Path folder();

    long sizeBytes();

    /// Gives the hold up. Closing again does nothing.
    @Override
    void close();
}
