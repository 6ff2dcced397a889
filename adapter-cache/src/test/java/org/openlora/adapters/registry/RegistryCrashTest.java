package org.openlora.adapters.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.Digest;
import org.openlora.adapters.peft.AdapterFixture;
import org.openlora.adapters.peft.PeftAdapter;

class RegistryCrashTest {
    private static final String ME = "me";

    @TempDir
    Path parent;

    /// What a crash would have left on the disk, and what the registered name stood for before and after the
    /// change under way.
    private record Remains(
            RegistryStep step,
            Path state,
            @Nullable Digest before,
            @Nullable Digest after) {}

    @Test
    void open_afterACrashAtAnyWrite_hasTheChangeOrNot() throws IOException {
        var all = new ArrayList<Remains>();
        var camera = new Camera(all);
        try (RegistryFixture fixture = new RegistryFixture(parent)) {
            for (int i = 0; i < 3; i++) {
                folder(fixture, "f" + i, i);
            }
            try (AdapterRegistry registry = fixture.open(camera)) {
                for (int seed = 10; seed < 14; seed++) {
                    Digest next = digest(seed);
                    camera.after = next;
                    register(registry, "mine", seed);
                    camera.before = next;
                    folder(fixture, "f1", seed);
                    registry.rescan();
                }
                Files.move(fixture.root.resolve("f2"), fixture.root.resolve(".f2"));
                registry.rescan();
                camera.after = null;
                registry.unregister(ME, "mine");
            }
        }
        assertThat(all).extracting(Remains::step).contains(RegistryStep.BEFORE_COMMIT, RegistryStep.COMMITTED);
        assertThat(all).hasSize(2 * (1 + 4 + 4 + 1 + 1));
        for (Remains remains : all) {
            check(remains);
        }
    }

    /// Opens what is left. The folders are as they are now, whatever was known of them; the registered name is
    /// as it was before the change or after it.
    private void check(Remains remains) {
        try (var fixture = new RegistryFixture(
                        parent.resolve("adapters"), remains.state(), parent.resolve("store-of-the-next-life"));
                AdapterRegistry registry = fixture.open()) {
            assertThat(registry.find("another", "f0").digest()).isEqualTo(digest(0));
            assertThat(registry.find("another", "f1").digest()).isEqualTo(digest(13));
            assertThat(registry.entries("another"))
                    .extracting(AdapterEntry::name)
                    .containsExactly("f0", "f1");
            Digest expected = remains.step() == RegistryStep.COMMITTED ? remains.after() : remains.before();
            assertThat(registered(registry)).as("after %s", remains.step()).isEqualTo(expected);
            register(registry, "mine", 20);
            assertThat(registered(registry)).isEqualTo(digest(20));
        }
    }

    private static @Nullable Digest registered(AdapterRegistry registry) {
        return registry.entries(ME).stream()
                .filter(entry -> entry.name().equals("mine"))
                .map(entry -> registry.find(ME, entry.name()).digest())
                .findFirst()
                .orElse(null);
    }

    @Test
    void open_afterTheProcessWasKilled_hasAllThatWasAcknowledged() throws Exception {
        Random random = new Random(5);
        for (int life = 0; life < 3; life++) {
            int acknowledged = registerUntilKilled(life, 5 + random.nextInt(10));
            try (RegistryFixture fixture = new RegistryFixture(parent);
                    AdapterRegistry registry = fixture.open()) {
                assertThat(acknowledged).isPositive();
                // One more may be durable though nobody heard of it any more.
                assertThat(registry.find(ME, "mine" + life).number()).isBetween(acknowledged, acknowledged + 1);
                assertThat(registry.find(ME, "folder").number()).isEqualTo(1);
                assertThat(registry.stats()).isEqualTo(new RegistryStats(1, 0, life + 1));
            }
        }
    }

    /// @return the last version that was acknowledged
    private int registerUntilKilled(int life, int patience) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "--add-modules=jdk.incubator.vector",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Registering.class.getName(),
                        parent.toString(),
                        "mine" + life)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        int acknowledged = 0;
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                acknowledged = Integer.parseInt(line);
                if (--patience == 0) {
                    process.toHandle().destroyForcibly(); // unlike the process itself, leaves its output readable
                }
            }
        }
        process.waitFor();
        return acknowledged;
    }

    /// Registers one version after the other until it is killed, and prints the number of each.
    public static final class Registering {
        private Registering() {}

        public static void main(String[] arguments) throws IOException {
            Path parent = Path.of(arguments[0]);
            try (RegistryFixture fixture = new RegistryFixture(parent)) {
                folder(fixture, "folder", 1);
                try (AdapterRegistry registry = fixture.open()) {
                    for (int i = 0; i < 10_000; i++) {
                        Path source = AdapterFixture.sound(i % 7).write(parent.resolve("source"));
                        AdapterVersion version =
                                registry.register(ME, arguments[1], RegistryFixture.origin(source), null, Instant.MAX);
                        System.out.println(version.number());
                        System.out.flush();
                    }
                }
            }
        }
    }

    /// Copies the registry's files at each step of a write.
    private final class Camera implements RegistryStep.Observer {
        private final List<Remains> all;
        private @Nullable Digest before;
        private @Nullable Digest after;

        Camera(List<Remains> all) {
            this.all = all;
        }

        @Override
        public void reached(RegistryStep step) {
            if (step == RegistryStep.BEFORE_COMMIT || step == RegistryStep.COMMITTED) {
                Path copy = parent.resolve("crash-" + all.size());
                copyTree(parent.resolve("state"), copy);
                all.add(new Remains(step, copy, before, after));
            }
        }
    }

    private static void copyTree(Path from, Path to) {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void register(AdapterRegistry registry, String name, int seed) {
        Path source = AdapterFixture.sound(seed).write(parent.resolve("source"));
        registry.register(ME, name, RegistryFixture.origin(source), null, Instant.MAX);
    }

    private static void folder(RegistryFixture fixture, String name, int seed) {
        AdapterFixture.sound(seed).write(fixture.root.resolve(name));
    }

    private Digest digest(int seed) {
        Path folder = AdapterFixture.sound(seed).write(parent.resolve("digested"));
        return PeftAdapter.read(folder, BASE).digest();
    }
}
