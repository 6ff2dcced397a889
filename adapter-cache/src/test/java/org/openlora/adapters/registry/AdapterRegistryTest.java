package org.openlora.adapters.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.adapters.peft.AdapterFixture;
import org.openlora.adapters.safetensors.DType;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;

class AdapterRegistryTest {
    private static final String ME = "me";
    private static final String OTHER = "other";
    private static final Instant NEVER = Instant.MAX;
    private static final long PATIENCE_SECONDS = 60;

    @TempDir
    Path parent;

    private Path root = Path.of("");
    private @Nullable RegistryFixture fixture;

    @BeforeEach
    void createRoot() throws IOException {
        fixture = new RegistryFixture(parent);
        root = fixture.root;
    }

    @AfterEach
    void closeStore() {
        fixture().close();
    }

    @Test
    void find_ofNameAndDigest_isTheSameVersion() throws IOException {
        write("chef", 1);
        write("pirate", 2);
        manifest(root.resolve("pirate"), BASE.digest());
        Files.createDirectory(root.resolve("not-an-adapter"));
        write(".half-copied", 3);
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(names(registry, ME)).containsExactly("chef", "pirate");
            AdapterVersion chef = registry.find(ME, "chef");
            assertThat(registry.find(ME, chef.digest())).isEqualTo(chef);
            assertThat(chef.manifestDigest()).isEqualTo(Digest.ZERO);
            assertThat(chef.largestRank()).isEqualTo(4);
            assertThat(registry.find(ME, "pirate").manifestDigest()).isNotEqualTo(Digest.ZERO);
            assertThat(registry.size(chef.digest()))
                    .isEqualTo(AdapterSize.of(LongStream.of(
                            LoraModule.bytesFor(4, 16, 16),
                            LoraModule.bytesFor(4, 16, 8),
                            LoraModule.bytesFor(4, 16, 16),
                            LoraModule.bytesFor(4, 16, 8))));
            assertThat(registry.stats()).isEqualTo(new RegistryStats(2, 0, 0));
        }
    }

    @Test
    void find_ofAnUnknownName_listsTheNearestFirst() {
        try (AdapterRegistry empty = fixture().open()) {
            assertCode(() -> empty.find(ME, "x"), Code.NOT_FOUND, "no adapter 'x'; none is registered");
        }
        for (String name : new String[] {"pirate", "chef", "private"}) {
            write(name, 1);
        }
        try (AdapterRegistry registry = fixture().open()) {
            assertCode(
                    () -> registry.find(ME, "chief"),
                    Code.NOT_FOUND,
                    "no adapter 'chief'; registered, nearest first: 'chef',");
            assertCode(() -> registry.find(ME, "../chef"), Code.NOT_FOUND, "no adapter '../chef'");
            assertCode(() -> registry.find(ME, new Digest("77".repeat(32))), Code.NOT_FOUND, "sha256:7777");
        }
    }

    @Test
    void find_ofABadAdapter_givesItsReasonAndHarmsNoOther() throws IOException {
        write("good", 1);
        unserved("bad");
        manifest(write("foreign", 1), new Digest("99".repeat(32)));
        write("a,b", 1);
        write("sha256:x", 1);
        write("the-base", 1);
        for (int life = 0; life < 2; life++) {
            try (AdapterRegistry registry = fixture().open()) {
                assertThat(registry.find(ME, "good").name()).isEqualTo("good");
                assertCode(
                        () -> registry.find(ME, "bad"),
                        Code.UNSUPPORTED,
                        "adapter 'bad' cannot be served: adapter_config.json: field 'use_qalora'");
                assertCode(
                        () -> registry.find(ME, "foreign"),
                        Code.WRONG_BASE,
                        "99, but the served base is " + BASE.digest());
                assertCode(() -> registry.find(ME, "a,b"), Code.INVALID, "adapter name 'a,b' is not allowed");
                assertCode(() -> registry.find(ME, "sha256:x"), Code.INVALID, "not starting with sha256:");
                assertCode(() -> registry.find(ME, "the-base"), Code.NAME_TAKEN, "the base model is served under");
                assertThat(registry.stats()).isEqualTo(new RegistryStats(1, 5, 0));
            }
            assertThat(fixture().taken(RegistryStep.CONTENT_READ))
                    .as("verdicts are remembered as well")
                    .isEqualTo(life == 0 ? 5 : 0);
        }
    }

    @Test
    void scan_ofLinksOutOfTheRoot_isRefused() throws IOException {
        Path outside = AdapterFixture.sound(1).write(parent.resolve("outside"));
        Files.createSymbolicLink(root.resolve("folder"), outside);
        Path files = Files.createDirectory(root.resolve("files"));
        Files.copy(outside.resolve("adapter_config.json"), files.resolve("adapter_config.json"));
        Files.createSymbolicLink(
                files.resolve("adapter_model.safetensors"), outside.resolve("adapter_model.safetensors"));
        Path inside = write("inside", 1);
        Files.createSymbolicLink(root.resolve("alias"), inside);
        try (AdapterRegistry registry = fixture().open()) {
            assertCode(() -> registry.find(ME, "folder"), Code.INVALID, "'folder' links outside the adapter root");
            assertCode(() -> registry.find(ME, "files"), Code.INVALID, "'adapter_model.safetensors' links outside");
            assertThat(registry.find(ME, "alias").digest())
                    .isEqualTo(registry.find(ME, "inside").digest());
            assertThatThrownBy(() -> registry.find(ME, "folder")).hasMessageNotContaining(parent.toString());
        }
    }

    @Test
    void open_again_readsOnlyWhatLooksChanged() throws IOException {
        for (int i = 0; i < 20; i++) {
            write("a" + i, i);
        }
        manifest(root.resolve("a7"), BASE.digest());
        List<AdapterEntry> before;
        try (AdapterRegistry registry = fixture().open()) {
            before = registry.entries(ME);
            assertThat(fixture().taken(RegistryStep.CONTENT_READ)).isEqualTo(20);
            registry.rescan();
            assertThat(fixture().taken(RegistryStep.CONTENT_READ)).isZero();
        }
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(registry.entries(ME)).isEqualTo(before);
            assertThat(fixture().taken(RegistryStep.CONTENT_READ)).isZero();
        }
        write("a3", 103);
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(fixture().taken(RegistryStep.CONTENT_READ)).isEqualTo(1);
            assertThat(registry.find(ME, "a3").number()).isEqualTo(2);
            assertThat(registry.find(ME, "a4").number()).isEqualTo(1);
        }
    }

    @Test
    void rescan_ofFoldersThatComeChangeAndGo_followsThem() throws IOException {
        try (AdapterRegistry registry = fixture().open()) {
            BlockingQueue<RegistryEvent> events = new LinkedBlockingQueue<>();
            Runnable end = registry.watch(ME, events::add);
            write("chef", 1);
            registry.rescan();
            AdapterVersion first = registry.find(ME, "chef");
            fixture().advance(Duration.ofHours(1));
            write("chef", 2);
            registry.rescan();
            AdapterVersion second = registry.find(ME, "chef");
            assertThat(second.digest()).isNotEqualTo(first.digest());
            assertThat(second.number()).isEqualTo(2);
            assertCode(
                    () -> registry.find(ME, first.digest()),
                    Code.NOT_FOUND,
                    first.digest().toString());
            assertThat(registry.history(ME, "chef"))
                    .containsExactly(
                            new PastVersion(
                                    2, second.digest(), Digest.ZERO, RegistryFixture.BEGIN.plus(Duration.ofHours(1))),
                            new PastVersion(1, first.digest(), Digest.ZERO, RegistryFixture.BEGIN));
            manifest(root.resolve("chef"), BASE.digest());
            registry.rescan();
            assertThat(registry.find(ME, "chef").number())
                    .as("another manifest")
                    .isEqualTo(3);
            unserved("chef");
            registry.rescan();
            assertCode(() -> registry.find(ME, "chef"), Code.UNSUPPORTED, "'use_qalora'");
            delete(root.resolve("chef"));
            registry.rescan();
            assertThat(registry.entries(ME)).isEmpty();
            assertThat(registry.history(ME, "chef")).isEmpty();
            assertThat(events)
                    .extracting(event -> event.getClass().getSimpleName())
                    .containsExactly("Registered", "Registered", "Registered", "Failed", "Removed");
            end.run();
            write("chef", 1);
            registry.rescan();
            assertThat(events).hasSize(5);
        }
    }

    @Test
    void rescan_ofAHalfWrittenFolder_failsUntilItIsWhole() throws IOException {
        Path whole = AdapterFixture.sound(1).write(parent.resolve("whole"));
        byte[] weights = Files.readAllBytes(whole.resolve("adapter_model.safetensors"));
        Path folder = Files.createDirectory(root.resolve("chef"));
        Files.copy(whole.resolve("adapter_config.json"), folder.resolve("adapter_config.json"));
        try (AdapterRegistry registry = fixture().open()) {
            assertCode(() -> registry.find(ME, "chef"), Code.INVALID, "adapter_model.safetensors");
            Files.write(folder.resolve("adapter_model.safetensors"), Arrays.copyOf(weights, 900));
            registry.rescan();
            assertCode(() -> registry.find(ME, "chef"), Code.INVALID, "cannot be served");
            Files.write(folder.resolve("adapter_model.safetensors"), weights);
            registry.rescan();
            assertThat(registry.find(ME, "chef").number()).isEqualTo(1);
        }
    }

    @Test
    void rescan_ofAFolderChangedWhileItIsRead_readsItAgain() {
        write("chef", 1);
        var once = new AtomicBoolean();
        RegistryStep.Observer writer = step -> {
            if (step == RegistryStep.CONTENT_READ && once.compareAndSet(false, true)) {
                write("chef", 2);
            }
        };
        try (AdapterRegistry registry = fixture().open(writer)) {
            assertCode(() -> registry.find(ME, "chef"), Code.CHANGED, "files changed while they were read");
            registry.rescan();
            assertThat(registry.find(ME, "chef").number()).isEqualTo(1);
            assertThat(fixture().taken(RegistryStep.CONTENT_READ)).isEqualTo(2);
        }
    }

    @Test
    void watch_ofTheRoot_noticesWhatHappensWithoutBeingAsked() throws Exception {
        // Once only told by the operating system, once only by looking.
        for (Duration interval : List.of(Duration.ofDays(1), Duration.ofMillis(20))) {
            BlockingQueue<RegistryEvent> events = new LinkedBlockingQueue<>();
            try (AdapterRegistry registry = fixture().rescanningEvery(interval).open()) {
                registry.watch(ME, events::add);
                write(".chef", 1);
                Files.move(root.resolve(".chef"), root.resolve("chef"));
                assertThat(events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .isEqualTo(new RegistryEvent.Registered(registry.find(ME, "chef")));
                Files.move(root.resolve("chef"), root.resolve(".chef"));
                assertThat(events.poll(PATIENCE_SECONDS, TimeUnit.SECONDS))
                        .isEqualTo(new RegistryEvent.Removed("chef"));
                delete(root.resolve(".chef"));
            }
        }
    }

    @Test
    void lease_onAVersionThatWasReplaced_goesOn() throws Exception {
        Path folder = write("chef", 1);
        try (AdapterRegistry registry = fixture().open()) {
            Digest old = registry.find(ME, "chef").digest();
            Digest mine = register(registry, ME, "mine", 11).digest();
            var limits = new HostLimits(1 << 20, 8, 2, Duration.ofSeconds(5));
            try (var residency = new HostAdapterResidency(registry, limits, InstantSource.system());
                    AdapterLease lease =
                            residency.acquire(Set.of(old, mine), NEVER).get()) {
                AdapterFixture.sound(2).write(folder);
                registry.rescan();
                Digest mineNow = register(registry, ME, "mine", 12).digest();
                Digest now = registry.find(ME, "chef").digest();
                assertThat(Set.of(old, mine, now, mineNow)).hasSize(4);
                assertThat(lease.adapters().getFirst().weights().modules(0, LoraPoint.QKV))
                        .hasSize(2);
                try (AdapterLease both = residency
                        .acquire(Set.of(old, now, mine, mineNow), NEVER)
                        .get()) {
                    assertThat(both.adapters()).hasSize(4);
                }
            }
        }
    }

    @Test
    void load_ofWhatWasReplacedButAdmittedBefore_comesFromTheStore() {
        try (AdapterRegistry registry = fixture().open();
                Arena arena = Arena.ofConfined()) {
            Digest old = register(registry, ME, "mine", 1).digest();
            register(registry, ME, "mine", 2);
            assertCode(() -> registry.find(ME, old), Code.NOT_FOUND, old.toString());
            assertThat(registry.load(old, AdapterMemory.in(arena, old)).tag()).isEqualTo(old.tag());
        }
    }

    @Test
    void load_ofFilesChangedSinceTheScan_isRefusedAndNoticed() throws IOException {
        Path folder = write("chef", 1);
        try (AdapterRegistry registry = fixture().open();
                Arena arena = Arena.ofConfined()) {
            Digest digest = registry.find(ME, "chef").digest();
            AdapterFixture.sound(2).write(folder);
            assertCode(
                    () -> registry.load(digest, AdapterMemory.in(arena, digest)),
                    Code.CHANGED,
                    "adapter 'chef': files were changed");
            AdapterFixture.sound(1)
                    .config("{'r':16}")
                    .pair("model.layers.0.mlp.up_proj", 16, DType.F32)
                    .write(folder);
            assertThatThrownBy(() -> registry.load(digest, AdapterMemory.in(arena, digest)))
                    .isInstanceOf(AdapterException.class)
                    .hasMessageContaining("adapter 'chef'");
            delete(folder);
            assertThatThrownBy(() -> registry.load(digest, AdapterMemory.in(arena, digest)))
                    .isInstanceOf(AdapterException.class)
                    .hasMessageContaining("adapter 'chef'");
            registry.rescan();
            assertCode(
                    () -> registry.load(digest, AdapterMemory.in(arena, digest)),
                    Code.CHANGED,
                    "is not under the adapter root any more");
        }
    }

    @Test
    void load_ofAContentInSeveralPlaces_takesOneThatIsSound() throws IOException {
        write("a", 1);
        write("b", 1);
        try (AdapterRegistry registry = fixture().open();
                Arena arena = Arena.ofConfined()) {
            Digest digest = registry.find(ME, "a").digest();
            write("a", 2);
            assertThat(registry.load(digest, AdapterMemory.in(arena, digest)).tag())
                    .isEqualTo(digest.tag());
            register(registry, ME, "mine", 1);
            write("b", 2);
            assertThat(registry.load(digest, AdapterMemory.in(arena, digest)).tag())
                    .isEqualTo(digest.tag());
            registry.rescan();
            assertThat(registry.find(ME, digest).name()).isEqualTo("mine");
        }
    }

    @Test
    void register_ofAnAdapter_isSeenByItsTenantOnlyAndSurvives() throws IOException {
        write("shared", 1);
        AdapterVersion mine;
        try (AdapterRegistry registry = fixture().open()) {
            mine = register(registry, ME, "secret-project", 5);
            register(registry, OTHER, "secret-project", 6);
            register(registry, OTHER, "other-project", 7);
        }
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(registry.find(ME, "secret-project")).isEqualTo(mine);
            assertThat(registry.find(ME, mine.digest())).isEqualTo(mine);
            assertThat(registry.find(OTHER, "secret-project").digest()).isNotEqualTo(mine.digest());
            assertThat(names(registry, ME)).containsExactly("secret-project", "shared");
            assertThat(names(registry, OTHER)).containsExactly("other-project", "secret-project", "shared");
            assertThat(names(registry, "third")).containsExactly("shared");
            assertCode(() -> registry.find(OTHER, mine.digest()), Code.NOT_FOUND, "is registered");
            assertThatThrownBy(() -> registry.find("third", "secret-projekt"))
                    .hasMessage("no adapter 'secret-projekt'; registered, nearest first: 'shared'");
            assertThatThrownBy(() -> registry.find(ME, "other-project"))
                    .hasMessage("no adapter 'other-project'; registered, nearest first: 'secret-project', 'shared'");
            assertThat(registry.history("third", "secret-project")).isEmpty();
            assertThat(registry.unregister("third", "secret-project")).isFalse();
            assertThat(registry.unregister(ME, "secret-project")).isTrue();
            assertThat(registry.unregister(ME, "secret-project")).isFalse();
        }
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(names(registry, ME)).containsExactly("shared");
            assertThat(registry.stats()).isEqualTo(new RegistryStats(1, 0, 2));
        }
    }

    @Test
    void register_ofAnotherContent_isANewVersionAndTellsOnlyItsTenant() throws IOException {
        try (AdapterRegistry registry = fixture().open()) {
            BlockingQueue<RegistryEvent> mine = new LinkedBlockingQueue<>();
            BlockingQueue<RegistryEvent> others = new LinkedBlockingQueue<>();
            BlockingQueue<Digest> retired = new LinkedBlockingQueue<>();
            registry.watch(ME, mine::add);
            registry.watch(OTHER, others::add);
            registry.onRetired(retired::add);
            AdapterVersion first = register(registry, ME, "a", 1);
            assertThat(register(registry, ME, "a", 1)).as("the same again").isEqualTo(first);
            register(registry, ME, "b", 1);
            AdapterVersion second = register(registry, ME, "a", 2);
            assertThat(second.number()).isEqualTo(2);
            assertThat(retired).as("b still stands for it").isEmpty();
            registry.unregister(ME, "b");
            assertThat(retired).containsExactly(first.digest());
            assertThat(registry.history(ME, "a"))
                    .extracting(PastVersion::digest)
                    .containsExactly(second.digest(), first.digest());
            assertThat(mine)
                    .containsExactly(
                            new RegistryEvent.Registered(first),
                            new RegistryEvent.Registered(first),
                            new RegistryEvent.Registered(new AdapterVersion(
                                    "b", 1, RegistryFixture.BEGIN, first.digest(), null, first.size(), 4)),
                            new RegistryEvent.Registered(second),
                            new RegistryEvent.Removed("b"));
            assertThat(others).isEmpty();
        }
    }

    @Test
    void register_thatFails_changesNothing() throws IOException {
        write("folder", 1);
        Path source = AdapterFixture.sound(5).write(parent.resolve("source"));
        try (AdapterRegistry registry = fixture().open()) {
            AdapterVersion mine = register(registry, ME, "mine", 2);
            Digest expected = new Digest("11".repeat(32));
            assertCode(
                    () -> registry.register(ME, "mine", RegistryFixture.origin(source), expected, NEVER),
                    Code.CHANGED,
                    "not " + expected);
            assertCode(
                    () -> registry.register(ME, "mine", RegistryFixture.origin(parent.resolve("none")), null, NEVER),
                    Code.NOT_FOUND,
                    "there is nothing at file://");
            manifest(source, new Digest("99".repeat(32)));
            assertCode(
                    () -> registry.register(ME, "mine", RegistryFixture.origin(source), null, NEVER),
                    Code.WRONG_BASE,
                    "but the served base is");
            int fetches = fixture().fetches.get();
            assertCode(
                    () -> registry.register(ME, "a,b", RegistryFixture.origin(source), null, NEVER),
                    Code.INVALID,
                    "adapter name 'a,b' is not allowed");
            assertCode(
                    () -> registry.register(ME, "the-base", RegistryFixture.origin(source), null, NEVER),
                    Code.NAME_TAKEN,
                    "the base model is served under it");
            assertCode(
                    () -> registry.register(ME, "folder", RegistryFixture.origin(source), null, NEVER),
                    Code.NAME_TAKEN,
                    "adapter name 'folder' is taken: a folder under the adapter root has it");
            assertThat(fixture().fetches)
                    .as("refused before anything is fetched")
                    .hasValue(fetches);
            assertThat(registry.find(ME, "mine")).isEqualTo(mine);
            assertThat(registry.history(ME, "mine")).hasSize(1);
        }
    }

    @Test
    void rescan_ofAFolderNamedAsARegisteredAdapter_failsUntilThatIsGone() throws IOException {
        for (int life = 0; life < 2; life++) {
            try (AdapterRegistry registry = fixture().open()) {
                AdapterVersion mine = register(registry, ME, "chef", 5);
                write("chef", 1);
                registry.rescan();
                registry.rescan();
                assertThat(registry.find(ME, "chef")).as("its owner's goes on").isEqualTo(mine);
                assertCode(() -> registry.find(OTHER, "chef"), Code.NAME_TAKEN, "rename the folder or unregister");
                assertThat(registry.entries(ME))
                        .hasExactlyElementsOfTypes(AdapterEntry.Ready.class, AdapterEntry.Failed.class);
                assertThat(register(registry, ME, "chef", 6).number()).isEqualTo(2);
                registry.unregister(ME, "chef");
                registry.rescan();
                assertThat(registry.find(OTHER, "chef").digest()).isNotEqualTo(mine.digest());
                delete(root.resolve("chef"));
                registry.rescan();
            }
        }
    }

    @Test
    void register_whileAFolderOfThatNameIsRead_goesBeforeIt() {
        write("chef", 1);
        var once = new AtomicBoolean();
        var registries = new ArrayList<AdapterRegistry>();
        RegistryStep.Observer faster = step -> {
            if (step == RegistryStep.CONTENT_READ && !registries.isEmpty() && once.compareAndSet(false, true)) {
                register(registries.getFirst(), ME, "pirate", 5);
            }
        };
        try (AdapterRegistry registry = fixture().open(faster)) {
            registries.add(registry);
            write("pirate", 2);
            registry.rescan();
            assertCode(() -> registry.find(OTHER, "pirate"), Code.NAME_TAKEN, "rename the folder");
            registry.unregister(ME, "pirate");
            registry.rescan();
            assertThat(registry.find(OTHER, "pirate").number()).isEqualTo(1);
        }
    }

    @Test
    void register_ofAContentThatIsStored_takesTheManifestThatCameWithIt() throws IOException {
        Path plain = AdapterFixture.sound(5).write(parent.resolve("plain"));
        Path described = AdapterFixture.sound(5).write(parent.resolve("described"));
        manifest(described, BASE.digest());
        try (AdapterRegistry registry = fixture().open()) {
            AdapterVersion mine = registry.register(ME, "a", RegistryFixture.origin(plain), null, NEVER);
            AdapterVersion theirs = registry.register(OTHER, "a", RegistryFixture.origin(described), null, NEVER);
            assertThat(theirs.digest()).isEqualTo(mine.digest());
            assertThat(mine.manifest()).isNull();
            assertThat(theirs.manifestDigest()).isNotEqualTo(Digest.ZERO);
        }
        try (AdapterRegistry registry = fixture().open()) {
            assertThat(registry.find(ME, "a").manifest()).isNull();
            assertThat(registry.find(OTHER, "a").manifestDigest()).isNotEqualTo(Digest.ZERO);
        }
    }

    @Test
    void load_ofWhatTheStoreLostOrDamaged_isFetchedAgain() throws IOException {
        try (AdapterRegistry registry = fixture().open();
                Arena arena = Arena.ofConfined()) {
            Digest digest = register(registry, ME, "mine", 5).digest();
            assertThat(fixture().store().remove(digest)).isTrue();
            assertThat(registry.load(digest, AdapterMemory.in(arena, digest)).tag())
                    .isEqualTo(digest.tag());
            assertThat(fixture().fetches).hasValue(2);
            Path weights;
            try (var stored = fixture().store().open(digest).orElseThrow()) {
                weights = stored.folder().resolve("adapter_model.safetensors");
            }
            byte[] bytes = Files.readAllBytes(weights);
            bytes[bytes.length - 3] ^= 1;
            Files.write(weights, bytes);
            assertThat(registry.load(digest, AdapterMemory.in(arena, digest)).tag())
                    .isEqualTo(digest.tag());
            assertThat(fixture().fetches).hasValue(3);
        }
    }

    @Test
    void open_ofAMissingRoot_namesIt() throws IOException {
        Files.delete(root);
        assertCode(() -> fixture().open(), Code.NOT_FOUND, "is not a folder");
    }

    @Test
    void open_twice_isRefusedInOneLine() {
        try (AdapterRegistry _ = fixture().open()) {
            assertThatThrownBy(() -> fixture().open())
                    .isInstanceOf(RegistryException.class)
                    .hasMessageContaining("is in use by another process: stop it")
                    .message()
                    .doesNotContain("\n");
        }
    }

    @Test
    void open_ofADamagedFile_isRefusedInOneLine() throws IOException {
        fixture().open().close();
        Path file = fixture().state.resolve(BASE.digest().hex() + ".db");
        Files.writeString(file, "no database".repeat(1000));
        assertThatThrownBy(() -> fixture().open())
                .isInstanceOf(RegistryException.class)
                .hasMessageContaining("cannot open the adapter registry " + file)
                .message()
                .doesNotContain("\n");
    }

    private RegistryFixture fixture() {
        if (fixture == null) {
            throw new AssertionError("no fixture");
        }
        return fixture;
    }

    private AdapterVersion register(AdapterRegistry registry, String tenant, String name, int seed) {
        Path source = AdapterFixture.sound(seed).write(parent.resolve("source-" + seed));
        return registry.register(tenant, name, RegistryFixture.origin(source), null, NEVER);
    }

    private Path write(String name, int seed) {
        return AdapterFixture.sound(seed).write(root.resolve(name));
    }

    private void unserved(String name) {
        AdapterFixture.sound(1).config("{'use_qalora':true}").write(root.resolve(name));
    }

    private static void manifest(Path folder, Digest base) throws IOException {
        Files.writeString(folder.resolve("adapter.yaml"), """
                version: 1
                name: n
                licence: MIT
                owner: {name: o, payee: "0xde709f2102306220921060314715629080e2fb77"}
                base: ["%s"]
                lineage: []
                """.formatted(base));
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    private static List<String> names(AdapterRegistry registry, String tenant) {
        return registry.entries(tenant).stream().map(AdapterEntry::name).toList();
    }

    private static void assertCode(ThrowingCallable call, Code code, String message) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        AdapterException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }
}
