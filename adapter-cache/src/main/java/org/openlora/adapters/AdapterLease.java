package org.openlora.adapters;

import java.util.List;

/// A hold on resident adapters: none of them is evicted before it is closed. A sequence holds one to its end.
public interface AdapterLease extends AutoCloseable {
    /// The leased adapters in ascending order of digest, the order in which their deltas are added.
    List<ResidentAdapter> adapters();

    /// Whether all of them are [sound][ResidentAdapter#isSound]. Without locks and garbage, to be asked at every step.
    default boolean isSound() {
        List<ResidentAdapter> adapters = adapters();
        for (int i = 0; i < adapters.size(); i++) {
            if (!adapters.get(i).isSound()) {
                return false;
            }
        }
        return true;
    }

    /// Gives the hold up; the weights must not be read afterwards. Closing again does nothing.
    @Override
    void close();
}
