package org.openlora.benchmarks.fleet;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.openlora.adapters.BaseWeights;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.server.problem.Problem;

/// Writes fleets, and finds them again: a folder that holds the specification asked for is used as it is, and one
/// whose writing was interrupted is gone on with.
public final class FleetWriter {
    /// Beside the adapters, not among them: a folder of adapters is scanned.
    private static final String SPECIFICATION = ".fleet.json";

    private static final String PARTIAL = ".partial-";
    private static final ObjectMapper JSON = JsonMapper.builder().build();
    private static final long LINE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final BaseWeights base;
    private final PrintWriter out;

    /// @param base whose module shapes the adapters have
    /// @param out gets a line every few seconds
    public FleetWriter(BaseWeights base, PrintWriter out) {
        this.base = base;
        this.out = out;
    }

    /// Makes sure that `folder` holds this fleet and nothing else.
    ///
    /// @throws Problem if it holds something else, or cannot be written
    public Fleet write(FleetSpec spec, Path folder) {
        if (!spec.base().equals(base.digest())) {
            throw new IllegalArgumentException("a fleet for base %s cannot be written with the shapes of %s"
                    .formatted(spec.base(), base.digest()));
        }
        try {
            claim(spec, folder);
            removePartial(folder);
            return writeMissing(spec, folder);
        } catch (IOException | UncheckedIOException e) {
            throw new Problem(
                    "the fleet in %s cannot be written: %s".formatted(folder, Problem.describe(e)),
                    "name another folder with --fleet",
                    e);
        }
    }

    private static void claim(FleetSpec spec, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve(SPECIFICATION);
        // Through its text, as what is found: a tree made from values has numbers of other types.
        JsonNode wanted = JSON.readTree(JSON.writeValueAsString(new Identity(spec)));
        if (Files.exists(file)) {
            JsonNode found = JSON.readTree(file.toFile());
            if (!found.equals(wanted)) {
                throw new Problem(
                        "%s holds another fleet: %s, asked for is %s".formatted(folder, found, wanted),
                        "name another folder with --fleet, or delete this one");
            }
            return;
        }
        try (Stream<Path> content = Files.list(folder)) {
            if (content.findAny().isPresent()) {
                throw new Problem("%s is not empty and holds no fleet".formatted(folder), "name another folder");
            }
        }
        Files.writeString(file, JSON.writeValueAsString(wanted));
    }

    /// A specification as it stands in a folder.
    private record Identity(
            String base, int adapters, int minRank, int maxRank, java.util.List<String> targets, long seed) {
        Identity(FleetSpec spec) {
            this(spec.base().toString(), spec.adapters(), spec.minRank(), spec.maxRank(), spec.targets(), spec.seed());
        }
    }

    private Fleet writeMissing(FleetSpec spec, Path folder) {
        PeftFolder writer = new PeftFolder(spec, base);
        AtomicInteger written = new AtomicInteger();
        AtomicLong bytes = new AtomicLong();
        AtomicLong nextLine = new AtomicLong(System.nanoTime() + LINE_NANOS);
        IntStream.range(0, spec.adapters()).parallel().forEach(adapter -> {
            try {
                Path target = folder.resolve(FleetSpec.name(adapter));
                if (!Files.exists(target)) {
                    Path partial = Files.createDirectory(folder.resolve(PARTIAL + adapter));
                    writer.write(adapter, partial);
                    Files.move(partial, target);
                    written.incrementAndGet();
                }
                bytes.addAndGet(Files.size(target.resolve("adapter_model.safetensors")));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            long due = nextLine.get();
            if (System.nanoTime() >= due && nextLine.compareAndSet(due, due + LINE_NANOS)) {
                out.printf(Locale.ROOT, "%d adapters written, %.1f GiB%n", written.get(), gibibytes(bytes.get()));
                out.flush();
            }
        });
        out.printf(
                Locale.ROOT,
                "fleet of %d adapters, %.2f GiB, %d of them written now%n",
                spec.adapters(),
                gibibytes(bytes.get()),
                written.get());
        out.flush();
        return new Fleet(spec, folder, bytes.get());
    }

    private static double gibibytes(long bytes) {
        return bytes / (double) (1 << 30);
    }

    private static void removePartial(Path folder) throws IOException {
        try (Stream<Path> content = Files.list(folder)) {
            for (Path path : content.filter(
                            path -> path.getFileName().toString().startsWith(PARTIAL))
                    .toList()) {
                DurableFiles.deleteFolder(path);
            }
        }
    }
}
