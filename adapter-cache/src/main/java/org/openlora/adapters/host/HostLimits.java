package org.openlora.adapters.host;

import java.time.Duration;
import org.openlora.adapters.AdapterMemory;

/// Bounds of what is resident and of the work to get it there.
///
/// @param hostBytes of the arena that holds all resident weights
/// @param deviceSlots adapters that can be leased at once
/// @param deviceBytes of their weights together
/// @param unitBytes in which the arena is given out; a multiple of 64
/// @param maxConcurrentLoads adapters being read at once
/// @param failureMemory how long a failed load is remembered and not tried again
/// @param scrubBytesPerSecond of resident weights compared with their checksums; 0 for none
public record HostLimits(
        long hostBytes,
        int deviceSlots,
        long deviceBytes,
        int unitBytes,
        int maxConcurrentLoads,
        Duration failureMemory,
        long scrubBytesPerSecond) {
    /// A page: what is lost at an adapter's end is half of it on average, for a gigabyte there are 262,144.
    public static final int DEFAULT_UNIT_BYTES = 4096;

    public HostLimits {
        positive("hostBytes", hostBytes);
        positive("deviceSlots", deviceSlots);
        positive("deviceBytes", deviceBytes);
        positive("unitBytes", unitBytes);
        positive("maxConcurrentLoads", maxConcurrentLoads);
        if (unitBytes % AdapterMemory.ALIGNMENT_BYTES != 0) {
            throw new IllegalArgumentException(
                    "unitBytes is " + unitBytes + ", must be a multiple of " + AdapterMemory.ALIGNMENT_BYTES);
        }
        if (hostBytes / unitBytes < 1 || hostBytes / unitBytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("hostBytes is " + hostBytes + ", allowed with units of " + unitBytes
                    + " bytes: " + unitBytes + " to " + (long) Integer.MAX_VALUE * unitBytes);
        }
        if (failureMemory.isNegative() || scrubBytesPerSecond < 0) {
            throw new IllegalArgumentException("neither failureMemory nor scrubBytesPerSecond may be negative: "
                    + failureMemory + ", " + scrubBytesPerSecond);
        }
    }

    /// All of the arena for leased adapters, units of the default size, no scrubbing.
    public HostLimits(long hostBytes, int deviceSlots, int maxConcurrentLoads, Duration failureMemory) {
        this(hostBytes, deviceSlots, hostBytes, DEFAULT_UNIT_BYTES, maxConcurrentLoads, failureMemory, 0);
    }

    /// Whole units of the arena.
    int units() {
        return Math.toIntExact(hostBytes / unitBytes);
    }

    private static void positive(String name, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " is " + value + ", must be positive");
        }
    }
}
