package org.openlora.kernels;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/// The instructions of this processor that decide how matrices are multiplied. All false where Linux does not
/// name them: on arm64 and other systems our own kernel runs.
public record CpuFeatures(boolean avx2, boolean avx512f, boolean avx512Bf16, boolean amxBf16) {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    /// Reads `/proc/cpuinfo`.
    public static CpuFeatures detect() {
        if (!Files.isReadable(CPUINFO)) {
            return parse("");
        }
        try {
            return parse(Files.readString(CPUINFO));
        } catch (IOException e) {
            throw new IllegalStateException(CPUINFO + " cannot be read: " + e, e);
        }
    }

    /// Takes what every processor listed has.
    public static CpuFeatures parse(String cpuinfo) {
        Set<String> flags = cpuinfo.lines()
                .filter(line -> line.startsWith("flags"))
                .map(line -> Arrays.stream(line.substring(line.indexOf(':') + 1).split("\\s+"))
                        .collect(Collectors.toSet()))
                .reduce((all, next) -> {
                    all.retainAll(next);
                    return all;
                })
                .orElse(Set.of());
        return new CpuFeatures(
                flags.contains("avx2"),
                flags.contains("avx512f"),
                flags.contains("avx512_bf16"),
                flags.contains("amx_bf16"));
    }

    /// Whether the processor multiplies bf16 numbers by an instruction.
    public boolean multipliesBf16() {
        return amxBf16 || avx512Bf16;
    }

    /// For people: the best of them.
    public String best() {
        if (amxBf16) {
            return "AMX-bf16";
        }
        return avx512Bf16 ? "AVX-512-bf16" : avx512f ? "AVX-512" : avx2 ? "AVX2" : "no AVX2";
    }
}
