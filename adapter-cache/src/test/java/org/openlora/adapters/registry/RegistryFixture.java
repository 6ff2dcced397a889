package org.openlora.adapters.registry;

import static org.openlora.adapters.peft.AdapterFixture.BASE;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.origin.AdapterOrigin;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.adapters.store.AdapterStore;
import org.openlora.adapters.store.DiskRoom;

/// A registry over a test's folders, opened as often as the test likes, and counts of what it did.
final class RegistryFixture implements AutoCloseable {
    static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    final Path root;
    final Path state;
    final AtomicInteger fetches = new AtomicInteger();

    private final AdapterStore store;
    private final Map<RegistryStep, Integer> steps = new ConcurrentHashMap<>();
    private Instant now = BEGIN;
    private Duration rescanInterval = Duration.ZERO;

    RegistryFixture(Path parent) throws IOException {
        this(Files.createDirectories(parent.resolve("adapters")), parent.resolve("state"), parent.resolve("store"));
    }

    RegistryFixture(Path root, Path state, Path storeFolder) {
        this.root = root;
        this.state = state;
        this.store = AdapterStore.open(
                storeFolder, 1 << 20, folder -> PeftAdapter.read(folder, BASE).digest());
    }

    RegistryFixture rescanningEvery(Duration interval) {
        rescanInterval = interval;
        return this;
    }

    AdapterRegistry open() {
        return open(step -> {});
    }

    AdapterRegistry open(RegistryStep.Observer observer) {
        var options = new RegistryOptions(
                root, state, BASE, Set.of("the-base"), 2, rescanInterval, Duration.ofMinutes(1), () -> now);
        return AdapterRegistry.open(options, store, this::fetch, step -> {
            steps.merge(step, 1, Integer::sum);
            observer.reached(step);
        });
    }

    /// How often the registry came to a step since the last time that this was asked.
    int taken(RegistryStep step) {
        Integer count = steps.remove(step);
        return count == null ? 0 : count;
    }

    void advance(Duration time) {
        now = now.plus(time);
    }

    AdapterStore store() {
        return store;
    }

    static AdapterOrigin origin(Path folder) {
        return new AdapterOrigin.LocalFolder(folder.toAbsolutePath());
    }

    private AdapterOrigin fetch(AdapterOrigin origin, Path target, DiskRoom room, Instant deadline) {
        fetches.incrementAndGet();
        if (!(origin instanceof AdapterOrigin.LocalFolder(Path source)) || !Files.isDirectory(source)) {
            throw new AdapterException(Code.NOT_FOUND, "there is nothing at " + origin);
        }
        try (Stream<Path> files = Files.list(source)) {
            for (Path file : files.toList()) {
                room.reserve(Files.size(file));
                Files.copy(file, target.resolve(file.getFileName()));
            }
            return origin;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        store.close();
    }
}
