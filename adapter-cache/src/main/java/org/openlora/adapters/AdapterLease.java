package org.openlora.adapters;

import java.util.List;

/// A hold on resident adapters: none of them is evicted before it is closed. A sequence holds one to its end.
public interface AdapterLease extends AutoCloseable {
    /// The leased adapters in ascending order of digest, the order in which their deltas are added.
    List<ResidentAdapter> adapters();

    /// Gives the hold up; the weights must not be read afterwards. Closing again does nothing.
    @Override
    void close();
}
