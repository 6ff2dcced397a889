package org.openlora.adapters.host;

import java.time.Duration;

/// Bounds of what is resident in host memory and of the work to get it there.
///
/// @param capacityBytes of all resident weights together
/// @param maxAdapters resident at once; also the number of slots
/// @param maxConcurrentLoads adapters being read at once
/// @param failureMemory how long a failed load is remembered and not tried again
public record HostLimits(long capacityBytes, int maxAdapters, int maxConcurrentLoads, Duration failureMemory) {
    public HostLimits {
        if (capacityBytes <= 0 || maxAdapters <= 0 || maxConcurrentLoads <= 0 || failureMemory.isNegative()) {
            throw new IllegalArgumentException("limits must be positive: " + capacityBytes + " bytes, " + maxAdapters
                    + " adapters, " + maxConcurrentLoads + " concurrent loads, failure memory " + failureMemory);
        }
    }
}
