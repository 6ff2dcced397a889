package org.openlora.benchmarks.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.openlora.kernels.CpuFeatures;
import org.openlora.kernels.Lanes;

/// What kind of machine a figure comes from: figures of different classes are not comparable.
///
/// @param processor as the processor names itself, with family and model
/// @param instructions the best of those that matter here: `amx`, `avx512-bf16`, `avx512`, `avx2` or `other`
/// @param lastLevelCacheBytes 0 where the system does not say
/// @param vectorBits width of the kernels' vectors in this process
public record MachineClass(
        String processor,
        String instructions,
        int processors,
        long lastLevelCacheBytes,
        long memoryBytes,
        int vectorBits,
        String java,
        String system) {
    private static final Path CACHES = Path.of("/sys/devices/system/cpu/cpu0/cache");
    private static final Pattern SIZE = Pattern.compile("(\\d+)([KMG]?)");

    /// The machine that this process runs on.
    public static MachineClass current() {
        return new MachineClass(
                processorName(read(Path.of("/proc/cpuinfo"))),
                instructions(CpuFeatures.detect()),
                Runtime.getRuntime().availableProcessors(),
                lastLevelCache(),
                1024 * number(read(Path.of("/proc/meminfo")), "MemTotal"),
                Lanes.bits(),
                Runtime.version().toString(),
                System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    }

    /// A short name that fits into a file's: instructions, processors, and the width where it was narrowed.
    public String slug() {
        return "%s-%dc-%db".formatted(instructions, processors, vectorBits);
    }

    static String processorName(String cpuinfo) {
        return "%s, family %s model %s"
                .formatted(field(cpuinfo, "model name"), field(cpuinfo, "cpu family"), field(cpuinfo, "model"));
    }

    /// Bytes of a size as Linux writes it: `32768K`.
    static long bytes(String size) {
        Matcher matcher = SIZE.matcher(size.strip());
        if (!matcher.matches()) {
            return 0;
        }
        int shift =
                switch (matcher.group(2)) {
                    case "K" -> 10;
                    case "M" -> 20;
                    case "G" -> 30;
                    default -> 0;
                };
        return Long.parseLong(matcher.group(1)) << shift;
    }

    private static String instructions(CpuFeatures features) {
        if (features.amxBf16()) {
            return "amx";
        }
        if (features.avx512f()) {
            return features.avx512Bf16() ? "avx512-bf16" : "avx512";
        }
        return features.avx2() ? "avx2" : "other";
    }

    private static long lastLevelCache() {
        long largest = 0;
        for (int index = 0; index < 8; index++) {
            largest =
                    Math.max(largest, bytes(read(CACHES.resolve("index" + index).resolve("size"))));
        }
        return largest;
    }

    private static long number(String text, String key) {
        Matcher matcher = Pattern.compile("(?m)^" + key + "\\s*:\\s*(\\d+)").matcher(text);
        return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
    }

    private static String field(String text, String key) {
        Matcher matcher = Pattern.compile("(?m)^" + key + "\\s*:\\s*(.*)$").matcher(text);
        return matcher.find() ? matcher.group(1).strip() : "unknown " + key.toLowerCase(Locale.ROOT);
    }

    /// Empty where the system has no such file: every system but Linux.
    private static String read(Path file) {
        try {
            return Files.isReadable(file) ? Files.readString(file) : "";
        } catch (IOException e) {
            throw new IllegalStateException(file + " cannot be read: " + e, e);
        }
    }
}
