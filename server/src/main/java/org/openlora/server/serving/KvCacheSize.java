package org.openlora.server.serving;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// How much memory the key/value cache gets where the configuration leaves it open: a quarter of what is available
/// before the model is loaded, within the container's limit, from 64 MiB to 4 GiB.
final class KvCacheSize {
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final String AVAILABLE = "MemAvailable:";
    private static final int SHARE = 4;
    private static final long LEAST_BYTES = 64L << 20;
    private static final long MOST_BYTES = 4L << 30;

    private KvCacheSize() {}

    /// @param mebibytes as configured; 0 takes the share of what is available
    static long bytes(int mebibytes) {
        return mebibytes > 0 ? (long) mebibytes << 20 : share(availableBytes());
    }

    static long share(long availableBytes) {
        return Math.clamp(availableBytes / SHARE, LEAST_BYTES, MOST_BYTES);
    }

    /// Memory that can be taken without swapping: free, or given back by the page cache on demand.
    private static long availableBytes() {
        OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return Math.min(system.getTotalMemorySize(), available(meminfo(), system.getFreeMemorySize()));
    }

    private static List<String> meminfo() {
        try {
            return Files.isReadable(MEMINFO) ? Files.readAllLines(MEMINFO) : List.of();
        } catch (IOException e) {
            return List.of(); // no Linux that we know: what the runtime says is free has to do
        }
    }

    /// @param meminfo lines such as `MemAvailable:   16318464 kB`
    static long available(List<String> meminfo, long otherwise) {
        return meminfo.stream()
                .filter(line -> line.startsWith(AVAILABLE) && line.endsWith(" kB"))
                .map(line -> line.substring(AVAILABLE.length(), line.length() - " kB".length())
                        .strip())
                .mapToLong(kibibytes -> Long.parseLong(kibibytes) << 10)
                .findFirst()
                .orElse(otherwise);
    }
}
