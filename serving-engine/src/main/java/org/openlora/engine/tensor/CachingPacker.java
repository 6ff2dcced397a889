package org.openlora.engine.tensor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.LinearKernel;
import org.openlora.kernels.PackedMatrix;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Keeps a base's int8 matrices in one file, named by the digest of the base and the kernel's id, so that only the
/// first start quantises.
///
/// The file is a convenience and never trusted: one that is cut short, changed or of another base or kernel is
/// rebuilt, and where none can be written the base is served all the same. Both stand in the log.
final class CachingPacker implements MatrixPacker {
    private static final Logger LOG = LoggerFactory.getLogger(CachingPacker.class);
    private static final long MEBIBYTE = 1 << 20;

    private final Digest base;
    private final String kernelId;
    private final Path file;
    private final List<PackedWeightsFile.Matrix> packed = new ArrayList<>();
    private @Nullable PackedWeightsFile kept; // null where there is none that can be used
    private boolean fresh; // a matrix was quantised

    CachingPacker(Path directory, Digest base, Int8PanelKernel kernel) {
        this.base = base;
        this.kernelId = kernel.id();
        this.file = directory.resolve(base.hex() + "-" + kernelId + ".weights");
        this.kept = open();
    }

    private @Nullable PackedWeightsFile open() {
        if (!Files.exists(file)) {
            return null;
        }
        try {
            return PackedWeightsFile.open(file, base, kernelId);
        } catch (IOException e) {
            LOG.warn("{} is rebuilt: {}", file, e.getMessage());
            return null;
        }
    }

    @Override
    public PackedMatrix pack(
            LinearKernel kernel,
            Arena arena,
            String name,
            int outputs,
            int inputs,
            Function<Arena, MemorySegment> bf16) {
        Optional<MemorySegment> bytes = read(name, outputs, inputs, arena);
        PackedMatrix matrix;
        if (bytes.isPresent()) {
            matrix = Int8PanelKernel.fromBytes(bytes.get(), outputs, inputs);
        } else {
            fresh = true;
            matrix = MatrixPacker.direct().pack(kernel, arena, name, outputs, inputs, bf16);
        }
        packed.add(new PackedWeightsFile.Matrix(name, outputs, inputs, Int8PanelKernel.bytes(matrix)));
        return matrix;
    }

    private Optional<MemorySegment> read(String name, int outputs, int inputs, Arena arena) {
        if (kept == null) {
            return Optional.empty();
        }
        try {
            return kept.read(name, outputs, inputs, arena)
                    .filter(bytes -> bytes.byteSize() == Int8PanelKernel.packedBytes(outputs, inputs));
        } catch (IOException e) {
            LOG.warn("{} is rebuilt: {}", file, e.getMessage());
            close();
            return Optional.empty();
        }
    }

    @Override
    public void finish() {
        close();
        long bytes =
                packed.stream().mapToLong(matrix -> matrix.bytes().byteSize()).sum();
        String what = "%d matrices in int8, %d MiB".formatted(packed.size(), bytes / MEBIBYTE);
        if (!fresh) {
            LOG.info("{}, read from {}", what, file);
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            PackedWeightsFile.write(file, base, kernelId, packed);
            LOG.info("{}, quantised and kept in {}", what, file);
        } catch (IOException e) {
            LOG.warn("{}, quantised; the next start does it again, because {} cannot be written: {}", what, file, e);
        }
    }

    @Override
    public void close() {
        if (kept == null) {
            return;
        }
        try {
            kept.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        kept = null;
    }
}
