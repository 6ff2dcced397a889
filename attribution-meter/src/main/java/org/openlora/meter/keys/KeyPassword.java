package org.openlora.meter.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/// The password of a keystore file. It is shown by nothing: not by `toString`, not in error messages.
public final class KeyPassword {
    /// Environment variable with the password itself.
    public static final String ENVIRONMENT = "OPENLORA_KEY_PASSWORD";
    /// Environment variable that names a file with the password in its first line; wins over the other.
    public static final String FILE_ENVIRONMENT = "OPENLORA_KEY_PASSWORD_FILE";

    private final String password;

    private KeyPassword(String password) {
        this.password = password;
    }

    /// @throws IllegalArgumentException where it is empty
    public static KeyPassword of(String password) {
        if (password.isEmpty()) {
            throw new IllegalArgumentException("the password of a keystore must not be empty");
        }
        return new KeyPassword(password);
    }

    /// The password that the environment gives; empty where it gives none.
    ///
    /// @throws IllegalArgumentException where it is empty, or its file readable by others than its owner
    /// @throws IOException where its file cannot be read
    public static Optional<KeyPassword> of(Map<String, String> environment) throws IOException {
        String file = environment.get(FILE_ENVIRONMENT);
        if (file != null) {
            return Optional.of(ofFile(Path.of(file)));
        }
        return Optional.ofNullable(environment.get(ENVIRONMENT)).map(KeyPassword::of);
    }

    /// The first line of a file that only its owner may read.
    public static KeyPassword ofFile(Path file) throws IOException {
        PrivateFiles.require(file, "password file");
        String text = Files.readString(file);
        return of(text.lines().findFirst().orElse(""));
    }

    byte[] bytes() {
        return password.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return "KeyPassword[hidden]";
    }
}
