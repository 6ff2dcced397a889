package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Address;

class OperatorKeyTest {
    /// The first account of anvil and Hardhat, known to everyone.
    private static final String KNOWN_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    @TempDir
    Path folder;

    @Test
    void load_noFile_createsAPrivateOneAndKeepsIt() throws IOException {
        Path file = folder.resolve("keys/operator.key");
        OperatorKey created = OperatorKey.load(file, Map.of());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(OperatorKey.load(file, Map.of()).address()).isEqualTo(created.address());
        assertThat(OperatorKey.load(folder.resolve("other.key"), Map.of()).address())
                .isNotEqualTo(created.address());
        try (Stream<Path> files = Files.list(file.getParent())) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void load_manyAtOnce_allGetOneKey() throws Exception {
        Path file = folder.resolve("operator.key");
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Address>> loads = IntStream.range(0, 32)
                    .mapToObj(i -> (Callable<Address>)
                            () -> OperatorKey.load(file, Map.of()).address())
                    .toList();
            var addresses =
                    threads.invokeAll(loads).stream().map(Future::resultNow).collect(Collectors.toSet());
            assertThat(addresses).hasSize(1);
        }
    }

    @Test
    void load_environment_winsOverTheFile() {
        OperatorKey key = OperatorKey.load(folder.resolve("unused"), Map.of(OperatorKey.ENVIRONMENT, "0x" + KNOWN_KEY));
        assertThat(key.address()).hasToString("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assertThat(folder.resolve("unused")).doesNotExist();
    }

    @Test
    void load_fileOpenToOthers_refusedWithTheRemedy() throws IOException {
        Path file = folder.resolve("operator.key");
        Files.writeString(file, KNOWN_KEY);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> OperatorKey.load(file, Map.of())).hasMessageContaining("chmod 600");
    }

    @Test
    void parse_malformed_refusedWithoutShowingTheKey() {
        for (String text :
                List.of("", "12", KNOWN_KEY + "00", "zz" + KNOWN_KEY.substring(2), "00".repeat(32), "ff".repeat(32))) {
            assertThatThrownBy(() -> OperatorKey.parse(text, "key file k"))
                    .hasMessageStartingWith("key file k")
                    .message()
                    .doesNotContain(KNOWN_KEY.substring(2, 20));
        }
        assertThat(OperatorKey.ofHex(KNOWN_KEY).toString())
                .doesNotContain(KNOWN_KEY)
                .contains("0xf39Fd6");
    }
}
