package org.openlora.meter.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Address;
import org.openlora.meter.keys.OperatorKeys.Accounts;
import org.openlora.meter.keys.OperatorKeys.Place;
import org.openlora.meter.receipt.OperatorKey;

class OperatorKeysTest {
    /// The first account of anvil and Hardhat, known to everyone.
    private static final String KNOWN_KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    private static final Map<String, String> PASSWORD = Map.of(KeyPassword.ENVIRONMENT, "correct horse");

    @TempDir
    Path folder;

    @Test
    void load_nothingThere_makesAPrivatePlainFileAndKeepsIt() throws IOException {
        OperatorKeys.Found made = keys(Map.of()).load();
        assertThat(made.place()).isEqualTo(Place.PLAIN_FILE);
        assertThat(keys(Map.of()).load().key().address()).isEqualTo(made.key().address());
        assertThat(permissions("operator.key")).isEqualTo("rw-------");
        assertThat(names()).containsExactlyInAnyOrder("operator.key", "operator.json");
    }

    @Test
    void load_nothingThereButAPassword_makesAKeystore() throws IOException {
        OperatorKeys.Found made = keys(PASSWORD).load();
        assertThat(made.place()).isEqualTo(Place.KEYSTORE);
        assertThat(names()).containsExactlyInAnyOrder("operator.keystore.json", "operator.json");
        assertThat(permissions("operator.keystore.json")).isEqualTo("rw-------");
        assertThat(keys(PASSWORD).load().key().address()).isEqualTo(made.key().address());
        // a person is asked where the environment says nothing
        OperatorKeys asking =
                new OperatorKeys(folder, Map.of(), () -> Optional.of(KeyPassword.of("correct horse")), cost());
        assertThat(asking.load().key().address()).isEqualTo(made.key().address());
        assertThatThrownBy(() -> keys(Map.of()).load())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("OPENLORA_KEY_PASSWORD_FILE");
        assertThatThrownBy(() -> keys(Map.of(KeyPassword.ENVIRONMENT, "wrong")).load())
                .hasMessageContaining("the password is not that of keystore");
    }

    @Test
    void load_passwordFile_itsFirstLine() throws IOException {
        Path file = Files.writeString(folder.resolve("password"), "correct horse\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        Address made = keys(PASSWORD).load().key().address();
        assertThat(keys(Map.of(KeyPassword.FILE_ENVIRONMENT, file.toString()))
                        .load()
                        .key()
                        .address())
                .isEqualTo(made);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        assertThatThrownBy(() -> keys(Map.of(KeyPassword.FILE_ENVIRONMENT, file.toString()))
                        .load())
                .hasMessageContaining("chmod 600");
    }

    @Test
    void load_manyAtOnce_allGetOneKey() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Callable<Address>> loads = IntStream.range(0, 32)
                    .mapToObj(i -> (Callable<Address>)
                            () -> keys(Map.of()).load().key().address())
                    .toList();
            assertThat(threads.invokeAll(loads).stream().map(Future::resultNow).collect(Collectors.toSet()))
                    .hasSize(1);
        }
    }

    @Test
    void load_environment_winsOverTheFiles() throws IOException {
        OperatorKeys.Found found =
                keys(Map.of(OperatorKeys.ENVIRONMENT, "0x" + KNOWN_KEY)).load();
        assertThat(found.key().address()).hasToString("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        assertThat(found.place()).isEqualTo(Place.ENVIRONMENT);
        assertThat(names()).containsExactly("operator.json");
    }

    @Test
    void load_anotherKeyThanTheOperators_refused() throws IOException {
        keys(Map.of()).load();
        assertThatThrownBy(
                        () -> keys(Map.of(OperatorKeys.ENVIRONMENT, KNOWN_KEY)).load())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another OPENLORA_HOME");
    }

    @Test
    void load_fileOpenToOthers_refusedWithTheRemedy() throws IOException {
        Path file = Files.writeString(folder.resolve("operator.key"), KNOWN_KEY);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> keys(Map.of()).load()).hasMessageContaining("chmod 600");
    }

    @Test
    void encrypt_plainKey_keystoreOfTheSameAccountAndNoPlainFile() throws IOException {
        Address made = keys(Map.of()).load().key().address();
        keys(PASSWORD).encrypt();
        assertThat(names()).containsExactlyInAnyOrder("operator.keystore.json", "operator.json");
        assertThat(keys(PASSWORD).load().key().address()).isEqualTo(made);
        assertThatThrownBy(() -> keys(PASSWORD).create(OperatorKey.random(), true))
                .hasMessageContaining("key rotate");
    }

    @Test
    void switchToNext_crashAfterAnyStep_endsWithTheNextKeyAndTheOldOneKept() throws IOException {
        Address first = keys(PASSWORD).load().key().address();
        Address second = keys(PASSWORD).next().address();
        assertThat(keys(PASSWORD).next().address()).isEqualTo(second); // a second try goes on with the same key
        Map<String, String> before = contents();
        keys(PASSWORD).switchToNext();
        Map<String, String> after = contents();
        assertThat(keys(PASSWORD).accounts()).contains(new Accounts(first, List.of(first, second)));
        assertThat(after)
                .containsOnlyKeys(
                        "operator.json", "operator.keystore.json", "retired-" + first + ".operator.keystore.json");

        // What a crash leaves: the record replaced, then also the old key renamed.
        Map<String, String> recorded = new HashMap<>(before);
        recorded.put("operator.json", after.get("operator.json"));
        Map<String, String> renamed = new HashMap<>(recorded);
        renamed.put("retired-" + first + ".operator.keystore.json", before.get("operator.keystore.json"));
        renamed.remove("operator.keystore.json");
        for (Map<String, String> crash : List.of(before, recorded, renamed)) {
            restore(crash);
            boolean switched = !crash.equals(before);
            assertThat(keys(PASSWORD).load().key().address()).isEqualTo(switched ? second : first);
            assertThat(contents()).isEqualTo(switched ? after : before);
        }
    }

    private OperatorKeys keys(Map<String, String> environment) {
        return new OperatorKeys(folder, environment, Optional::empty, cost());
    }

    private static Keystore.Cost cost() {
        return KeystoreTest.CHEAP;
    }

    private String permissions(String name) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve(name)));
    }

    private List<String> names() throws IOException {
        return List.copyOf(contents().keySet());
    }

    private Map<String, String> contents() throws IOException {
        Map<String, String> contents = new HashMap<>();
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                contents.put(file.getFileName().toString(), Files.readString(file));
            }
        }
        return contents;
    }

    private void restore(Map<String, String> contents) throws IOException {
        for (String name : names()) {
            Files.delete(folder.resolve(name));
        }
        for (Map.Entry<String, String> file : contents.entrySet()) {
            Path path = Files.writeString(folder.resolve(file.getKey()), file.getValue());
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        }
    }
}
