package org.openlora.benchmarks.fleet;

/// How much of a fleet a server may hold at once.
///
/// @param deviceSlots adapters that may be leased or hold a slot
/// @param hostBytes of all weights in memory
/// @param hostAdapters adapters of the mean size that these bytes are for
public record Room(int deviceSlots, long hostBytes, int hostAdapters) {
    private static final int MEBIBYTE_BITS = 20;

    public Room {
        if (deviceSlots < 1 || hostBytes < 1 || hostAdapters < deviceSlots) {
            throw new IllegalArgumentException(
                    "room for %d adapters on the device and %d adapters of %d bytes in memory; allowed are positive"
                                    .formatted(deviceSlots, hostAdapters, hostBytes)
                            + " numbers, and no fewer in memory than on the device");
        }
    }

    /// Room in memory for that many adapters of the mean size, and no more.
    public static Room of(Fleet fleet, int deviceSlots, int hostAdapters) {
        long meanBytes = Math.ceilDiv(fleet.bytes(), (long) fleet.spec().adapters());
        return new Room(deviceSlots, meanBytes * hostAdapters, hostAdapters);
    }

    double hostMebibytes() {
        return hostBytes / (double) (1 << MEBIBYTE_BITS);
    }

    /// The settings that say so to a server.
    String settings() {
        return """
                adapters:
                  hostBytes: %d
                  deviceSlots: %d
                  deviceBytes: %1$d
                """.formatted(hostBytes, deviceSlots);
    }
}
