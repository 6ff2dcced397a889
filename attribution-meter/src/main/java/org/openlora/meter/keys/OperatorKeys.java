package org.openlora.meter.keys;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.openlora.meter.evm.Address;
import org.openlora.meter.receipt.OperatorKey;

/// The folder with the operator's key and the record of the accounts that have signed for it.
///
/// The key is taken from the environment, else from the keystore file, else from the plain file. Where there is
/// none, a random one is made: in a keystore where a password is given, else in a plain file that only its owner
/// may read, which is for development.
public final class OperatorKeys {
    /// Environment variable that holds a key in hexadecimal and wins over the files.
    public static final String ENVIRONMENT = "OPENLORA_OPERATOR_KEY";

    private static final JsonMapper JSON = new JsonMapper();
    private static final String KEYSTORE = "operator.keystore.json";
    private static final String PLAIN = "operator.key";
    private static final String RECORD = "operator.json";
    private static final String NEXT = "next.";

    private final Path folder;
    private final Map<String, String> environment;
    private final Supplier<Optional<KeyPassword>> prompt;
    private final Keystore.Cost cost;

    /// Where a key was found.
    public enum Place {
        ENVIRONMENT,
        KEYSTORE,
        PLAIN_FILE
    }

    /// Whose ledger this is, whatever key signs today.
    ///
    /// @param registrant the account that the operator's id, its contract and its streams are derived from: that of
    ///     its first key
    /// @param signers every account that signed receipts, oldest first; the last one does now
    public record Accounts(Address registrant, List<Address> signers) {
        public Accounts {
            signers = List.copyOf(signers);
            if (signers.isEmpty()) {
                throw new IllegalArgumentException("an operator has at least one signer");
            }
        }

        public Address current() {
            return signers.getLast();
        }

        Accounts with(Address signer) {
            List<Address> all = new ArrayList<>(signers);
            all.remove(signer);
            all.add(signer);
            return new Accounts(registrant, all);
        }
    }

    /// A key, and where it was found.
    public record Found(OperatorKey key, Place place) {}

    /// @param prompt asks a person for the password of the keystore; empty where nobody can be asked
    public OperatorKeys(Path folder, Map<String, String> environment, Supplier<Optional<KeyPassword>> prompt) {
        this(folder, environment, prompt, Keystore.Cost.STANDARD);
    }

    OperatorKeys(
            Path folder, Map<String, String> environment, Supplier<Optional<KeyPassword>> prompt, Keystore.Cost cost) {
        this.folder = folder;
        this.environment = Map.copyOf(environment);
        this.prompt = prompt;
        this.cost = cost;
    }

    /// The keystore file, which need not exist.
    public Path keystore() {
        return folder.resolve(KEYSTORE);
    }

    /// The plain file, which need not exist.
    public Path plain() {
        return folder.resolve(PLAIN);
    }

    /// The operator's key; made where there is none.
    ///
    /// @throws IllegalArgumentException where it is malformed, readable by others, cannot be decrypted, or is not
    ///     one that this operator's record names
    public Found load() throws IOException {
        finishSwitch();
        Optional<Found> found = find();
        if (found.isEmpty()) {
            store("", OperatorKey.random(), KeyPassword.of(environment).isPresent());
            found = find();
        }
        Found key = found.orElseThrow(() -> new IOException("the key that was just made is not in " + folder));
        requireRecorded(key.key().address());
        return key;
    }

    /// The operator's key; empty where there is none yet.
    public Optional<Found> find() throws IOException {
        String text = environment.get(ENVIRONMENT);
        if (text != null) {
            return Optional.of(
                    new Found(OperatorKey.parse(text, "environment variable " + ENVIRONMENT), Place.ENVIRONMENT));
        }
        return read("");
    }

    private Optional<Found> read(String prefix) throws IOException {
        Path keystore = folder.resolve(prefix + KEYSTORE);
        if (Files.exists(keystore)) {
            PrivateFiles.require(keystore, "keystore");
            OperatorKey key = Keystore.decrypt(Files.readString(keystore), requirePassword(), "keystore " + keystore);
            return Optional.of(new Found(key, Place.KEYSTORE));
        }
        Path plain = folder.resolve(prefix + PLAIN);
        if (Files.exists(plain)) {
            PrivateFiles.require(plain, "key file");
            return Optional.of(
                    new Found(OperatorKey.parse(Files.readString(plain), "key file " + plain), Place.PLAIN_FILE));
        }
        return Optional.empty();
    }

    private KeyPassword requirePassword() throws IOException {
        Optional<KeyPassword> given = KeyPassword.of(environment);
        return given.or(prompt)
                .orElseThrow(() -> new IllegalArgumentException("the keystore in " + folder
                        + " needs its password: set " + KeyPassword.FILE_ENVIRONMENT + " to a file that holds it, or "
                        + KeyPassword.ENVIRONMENT + ", or start from a terminal"));
    }

    /// Stores a key as the operator's first one.
    ///
    /// @param encrypted whether in a keystore, under the environment's or the prompt's password
    /// @throws IllegalArgumentException where there is one already, or no password
    public void create(OperatorKey key, boolean encrypted) throws IOException {
        if (Files.exists(keystore()) || Files.exists(plain())) {
            throw new IllegalArgumentException("there is an operator key in " + folder
                    + " already; ./openlora key rotate replaces it without losing what it signed");
        }
        requireRecorded(key.address());
        store("", key, encrypted);
    }

    private void store(String prefix, OperatorKey key, boolean encrypted) throws IOException {
        if (encrypted) {
            PrivateFiles.create(folder.resolve(prefix + KEYSTORE), Keystore.encrypt(key, requirePassword(), cost));
        } else {
            PrivateFiles.create(folder.resolve(prefix + PLAIN), key.wrapped(OperatorKeys::hex));
        }
    }

    private static String hex(byte[] privateKey) {
        return HexFormat.of().formatHex(privateKey) + "\n";
    }

    /// Encrypts a plain key file under the environment's or the prompt's password and removes the plain one.
    ///
    /// @throws IllegalArgumentException where there is no plain file, or no password
    public void encrypt() throws IOException {
        if (Files.notExists(plain())) {
            throw new IllegalArgumentException("there is no plain key file " + plain() + " to encrypt");
        }
        PrivateFiles.require(plain(), "key file");
        OperatorKey key = OperatorKey.parse(Files.readString(plain()), "key file " + plain());
        PrivateFiles.create(keystore(), Keystore.encrypt(key, requirePassword(), cost));
        Files.delete(plain());
    }

    /// The key that a rotation is about to put in place of the present one; made where there is none.
    public OperatorKey next() throws IOException {
        Optional<Found> next = read(NEXT);
        if (next.isEmpty()) {
            boolean encrypted =
                    Files.exists(keystore()) || KeyPassword.of(environment).isPresent();
            store(NEXT, OperatorKey.random(), encrypted);
            next = read(NEXT);
        }
        return next.orElseThrow(() -> new IOException("the key that was just made is not in " + folder))
                .key();
    }

    /// Puts the next key in place of the present one, which is kept under its account's name. A crash in between is
    /// made good by the next [#load].
    ///
    /// @throws IllegalArgumentException where the present key comes from the environment
    public void switchToNext() throws IOException {
        if (environment.containsKey(ENVIRONMENT)) {
            throw new IllegalArgumentException(
                    "a key that comes from " + ENVIRONMENT + " cannot be replaced here: import it first");
        }
        Address next = next().address();
        Accounts accounts = accounts().orElseThrow(() -> new IOException("there is no " + folder.resolve(RECORD)));
        if (!accounts.current().equals(next)) {
            PrivateFiles.replace(folder.resolve(RECORD), json(accounts.with(next)));
        }
        finishSwitch();
    }

    /// The record decides: where it names the next key, the files follow.
    private void finishSwitch() throws IOException {
        Optional<Accounts> accounts = accounts();
        Optional<Found> next = read(NEXT);
        if (accounts.isEmpty()
                || next.isEmpty()
                || !accounts.get().current().equals(next.get().key().address())) {
            return;
        }
        List<Address> signers = accounts.get().signers();
        Address retired = signers.get(signers.size() - 2);
        for (String name : List.of(KEYSTORE, PLAIN)) {
            if (Files.exists(folder.resolve(name))) {
                PrivateFiles.rename(folder.resolve(name), folder.resolve("retired-" + retired + "." + name));
            }
        }
        for (String name : List.of(KEYSTORE, PLAIN)) {
            if (Files.exists(folder.resolve(NEXT + name))) {
                PrivateFiles.rename(folder.resolve(NEXT + name), folder.resolve(name));
            }
        }
    }

    /// Whose ledger this is; empty before the first key.
    public Optional<Accounts> accounts() throws IOException {
        Path file = folder.resolve(RECORD);
        if (Files.notExists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode json = JSON.readTree(Files.readString(file));
            List<Address> signers = new ArrayList<>();
            json.path("signers").forEach(signer -> signers.add(Address.parse(signer.asText())));
            return Optional.of(
                    new Accounts(Address.parse(json.path("registrant").asText()), signers));
        } catch (JsonProcessingException | IllegalArgumentException e) {
            throw new IOException(file + " is damaged: " + e.getMessage(), e);
        }
    }

    private void requireRecorded(Address address) throws IOException {
        Optional<Accounts> accounts = accounts();
        if (accounts.isEmpty()) {
            PrivateFiles.create(folder.resolve(RECORD), json(new Accounts(address, List.of(address))));
        } else if (!accounts.get().current().equals(address)) {
            throw new IllegalArgumentException("the key is of account " + address + ", but this operator signs as "
                    + accounts.get().current() + ": give its key, or another OPENLORA_HOME to another operator");
        }
    }

    private static String json(Accounts accounts) {
        ObjectNode json =
                JSON.createObjectNode().put("registrant", accounts.registrant().toString());
        accounts.signers().forEach(signer -> json.withArray("signers").add(signer.toString()));
        return json + "\n";
    }
}
