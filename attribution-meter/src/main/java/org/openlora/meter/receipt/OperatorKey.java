package org.openlora.meter.receipt;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The operator's private key. It leaves this class only as signatures: no accessor gives it and `toString` shows
/// the address alone.
public final class OperatorKey implements Signer {
    /// Environment variable that holds a key in hexadecimal and wins over the file.
    public static final String ENVIRONMENT = "OPENLORA_OPERATOR_KEY";

    private final byte[] privateKey;
    private final byte[] publicKey;
    private final Address address;

    private OperatorKey(byte[] privateKey) {
        this.privateKey = privateKey;
        this.publicKey = Secp256k1.get().publicKey(privateKey);
        this.address = Secp256k1.address(publicKey);
    }

    /// The key of the environment, else the one in the file, which is made (random, readable by its owner alone)
    /// where there is none.
    ///
    /// @throws IllegalArgumentException where the key is malformed, or the file readable by others than its owner
    public static OperatorKey load(Path file, Map<String, String> environment) {
        String override = environment.get(ENVIRONMENT);
        if (override != null) {
            return parse(override, "environment variable " + ENVIRONMENT);
        }
        try {
            if (Files.notExists(file)) {
                create(file);
            }
            requirePrivate(file);
            return parse(Files.readString(file), "key file " + file);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read or create the operator key " + file, e);
        }
    }

    /// Reads `0x` (optional) and 64 hexadecimal digits.
    ///
    /// @param origin where the text comes from, for the error message, which never shows the text
    static OperatorKey parse(String text, String origin) {
        String digits = text.strip();
        if (digits.startsWith("0x")) {
            digits = digits.substring(2);
        }
        if (!digits.matches("[0-9a-fA-F]{64}")) {
            throw new IllegalArgumentException(origin + " must hold a private key of 64 hexadecimal digits");
        }
        byte[] key = HexFormat.of().parseHex(digits);
        if (!inRange(key)) {
            throw new IllegalArgumentException(origin + " holds a number outside the order of secp256k1");
        }
        return new OperatorKey(key);
    }

    /// The key of these 64 hexadecimal digits.
    public static OperatorKey ofHex(String text) {
        return parse(text, "operator key");
    }

    @Override
    public Address address() {
        return address;
    }

    @Override
    public Signature sign(Bytes32 digest) {
        return Secp256k1.get().sign(privateKey, publicKey, digest);
    }

    @Override
    public String toString() {
        return "OperatorKey[" + address + "]";
    }

    private static boolean inRange(byte[] key) {
        BigInteger number = new BigInteger(1, key);
        return number.signum() > 0 && number.compareTo(Signature.ORDER) < 0;
    }

    private static void create(Path file) throws IOException {
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent(), "a key file stands in a folder");
        Files.createDirectories(folder);
        Path temporary = folder.resolve(file.getFileName() + "." + UUID.randomUUID() + ".tmp");
        Files.createFile(temporary, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            byte[] text = (HexFormat.of().formatHex(random()) + "\n").getBytes(StandardCharsets.US_ASCII);
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                for (ByteBuffer rest = ByteBuffer.wrap(text); rest.hasRemaining(); ) {
                    channel.write(rest);
                }
                channel.force(true);
            }
            linkUnlessPresent(file, temporary);
        } finally {
            Files.delete(temporary);
        }
        try (FileChannel parent = FileChannel.open(folder)) {
            parent.force(true); // the name is as durable as the content
        }
    }

    /// A hard link, unlike a move, never replaces a key that another process made meanwhile.
    private static void linkUnlessPresent(Path file, Path temporary) throws IOException {
        try {
            Files.createLink(file, temporary);
        } catch (FileAlreadyExistsException e) {
            // the other process's key is as good and is the one that counts: the caller reads the file
        }
    }

    private static byte[] random() {
        SecureRandom random = new SecureRandom();
        byte[] key = new byte[Bytes32.SIZE_BYTES];
        do {
            random.nextBytes(key);
        } while (!inRange(key));
        return key;
    }

    private static void requirePrivate(Path file) throws IOException {
        Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
        Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rwx------");
        if (!owner.containsAll(permissions)) {
            throw new IllegalArgumentException("key file " + file + " is open to others ("
                    + PosixFilePermissions.toString(permissions) + "): run chmod 600 " + file);
        }
    }
}
