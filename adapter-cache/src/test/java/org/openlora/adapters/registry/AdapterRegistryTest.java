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
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.host.HostAdapterResidency;
import org.openlora.adapters.host.HostLimits;
import org.openlora.adapters.peft.AdapterFixture;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;

class AdapterRegistryTest {
    private static final String MANIFEST = """
            version: 1
            name: n
            licence: MIT
            owner: {name: o, payee: "0xde709f2102306220921060314715629080e2fb77"}
            base: ["%s"]
            lineage: []
            """;

    @TempDir
    Path parent;

    private Path root = Path.of("");

    @BeforeEach
    void createRoot() throws IOException {
        root = Files.createDirectory(parent.resolve("adapters"));
    }

    @Test
    void find_ofNameAndDigest_isTheSameVersion() throws IOException {
        AdapterFixture.sound(1).write(root.resolve("chef"));
        AdapterFixture.sound(2).write(root.resolve("pirate"));
        Files.writeString(root.resolve("pirate/adapter.yaml"), MANIFEST.formatted(AdapterFixture.BASE_DIGEST));
        Files.createDirectory(root.resolve("not-an-adapter"));
        var registry = new AdapterRegistry(root, BASE);
        assertThat(registry.entries()).extracting(AdapterEntry::name).containsExactly("chef", "pirate");
        AdapterVersion chef = registry.find("chef");
        assertThat(registry.find(chef.digest())).isEqualTo(chef);
        assertThat(chef.manifestDigest()).isEqualTo(Digest.ZERO);
        assertThat(registry.find("pirate").manifestDigest()).isNotEqualTo(Digest.ZERO);
        long q = LoraModule.bytesFor(4, 16, 16);
        long v = LoraModule.bytesFor(4, 16, 8);
        assertThat(registry.size(chef.digest())).isEqualTo(AdapterSize.of(LongStream.of(q, v, q, v)));
    }

    @Test
    void find_ofAnUnknownName_listsTheNearestFirst() {
        var empty = new AdapterRegistry(root, BASE);
        assertCode(() -> empty.find("x"), Code.NOT_FOUND, "no adapter 'x'; none is registered");
        for (String name : new String[] {"pirate", "chef", "private"}) {
            AdapterFixture.sound(1).write(root.resolve(name));
        }
        var registry = new AdapterRegistry(root, BASE);
        assertCode(
                () -> registry.find("chief"), Code.NOT_FOUND, "no adapter 'chief'; registered, nearest first: 'chef',");
        assertCode(() -> registry.find("../chef"), Code.NOT_FOUND, "no adapter '../chef'");
        assertCode(() -> registry.find(new Digest("77".repeat(32))), Code.NOT_FOUND, "sha256:7777");
    }

    @Test
    void find_ofABadAdapter_givesItsReasonAndHarmsNoOther() throws IOException {
        AdapterFixture.sound(1).write(root.resolve("good"));
        AdapterFixture.sound(1).config("{'lora_bias':true}").write(root.resolve("dora"));
        AdapterFixture.sound(1).write(root.resolve("foreign"));
        Digest other = new Digest("99".repeat(32));
        Files.writeString(root.resolve("foreign/adapter.yaml"), MANIFEST.formatted(other));
        AdapterFixture.sound(1).write(root.resolve("a,b"));
        AdapterFixture.sound(1).write(root.resolve("sha256:x"));
        var registry = new AdapterRegistry(root, BASE);
        assertThat(registry.find("good").name()).isEqualTo("good");
        assertCode(
                () -> registry.find("dora"),
                Code.UNSUPPORTED,
                "adapter 'dora' cannot be served: adapter_config.json: field 'lora_bias'");
        assertCode(
                () -> registry.find("foreign"), Code.WRONG_BASE, other + ", but the served base is " + BASE.digest());
        assertCode(() -> registry.find("a,b"), Code.INVALID, "adapter name 'a,b' is not allowed");
        assertCode(() -> registry.find("sha256:x"), Code.INVALID, "not starting with sha256:");
        assertThat(registry.entries()).hasSize(5);
    }

    @Test
    void scan_ofLinksOutOfTheRoot_isRefused() throws IOException {
        Path outside = AdapterFixture.sound(1).write(parent.resolve("outside"));
        Files.createSymbolicLink(root.resolve("folder"), outside);
        Path files = Files.createDirectory(root.resolve("files"));
        Files.copy(outside.resolve("adapter_config.json"), files.resolve("adapter_config.json"));
        Files.createSymbolicLink(
                files.resolve("adapter_model.safetensors"), outside.resolve("adapter_model.safetensors"));
        Path inside = AdapterFixture.sound(1).write(root.resolve("inside"));
        Files.createSymbolicLink(root.resolve("alias"), inside);
        var registry = new AdapterRegistry(root, BASE);
        assertCode(() -> registry.find("folder"), Code.INVALID, "'folder' links outside the adapter root");
        assertCode(() -> registry.find("files"), Code.INVALID, "'adapter_model.safetensors' links outside");
        assertThat(registry.find("alias").digest())
                .isEqualTo(registry.find("inside").digest());
        assertThatThrownBy(() -> registry.find("folder")).hasMessageNotContaining(parent.toString());
    }

    @Test
    void refresh_ofAChangedFolder_makesANewVersionWhileTheOldStaysLeased() throws Exception {
        Path folder = AdapterFixture.sound(1).write(root.resolve("chef"));
        var registry = new AdapterRegistry(root, BASE);
        Digest old = registry.find("chef").digest();
        var limits = new HostLimits(1 << 20, 8, 2, Duration.ofSeconds(5));
        try (var residency = new HostAdapterResidency(registry, limits, InstantSource.system());
                AdapterLease lease = residency.acquire(Set.of(old), Instant.MAX).get()) {
            AdapterFixture.sound(2).write(folder);
            registry.refresh();
            Digest now = registry.find("chef").digest();
            assertThat(now).isNotEqualTo(old);
            assertCode(() -> registry.find(old), Code.NOT_FOUND, old.toString());
            assertThat(lease.adapters().getFirst().weights().modules(0, LoraPoint.QKV))
                    .hasSize(2);
            try (AdapterLease both =
                    residency.acquire(Set.of(old, now), Instant.MAX).get()) {
                assertThat(both.adapters()).hasSize(2);
            }
        }
        AdapterFixture.sound(1).config("{'lora_bias':true}").write(folder);
        registry.refresh();
        assertCode(() -> registry.find("chef"), Code.UNSUPPORTED, "'lora_bias'");
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        assertThat(registry.refresh()).isEmpty();
    }

    @Test
    void load_ofFilesChangedSinceTheScan_isRefused() {
        AdapterFixture.sound(1).write(root.resolve("chef"));
        var registry = new AdapterRegistry(root, BASE);
        Digest digest = registry.find("chef").digest();
        AdapterFixture.sound(2).write(root.resolve("chef"));
        try (Arena arena = Arena.ofConfined()) {
            assertCode(() -> registry.load(digest, AdapterMemory.in(arena, digest)), Code.CHANGED, "adapter 'chef': files were changed");
        }
    }

    @Test
    void open_ofAMissingRoot_namesIt() {
        assertCode(() -> new AdapterRegistry(root.resolve("none"), BASE), Code.NOT_FOUND, "is not a folder");
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
