package org.openlora.meter.keys;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.PKCS5S2ParametersGenerator;
import org.bouncycastle.crypto.generators.SCrypt;
import org.bouncycastle.crypto.params.KeyParameter;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.OperatorKey;

/// Web3 Secret Storage, version 3: a private key encrypted with AES-128-CTR under a key that scrypt derives from a
/// password. The files are those of geth, Foundry's `cast wallet` and the usual wallets; files that derive with
/// PBKDF2 are read too. See ethereum.org, "Web3 Secret Storage definition".
public final class Keystore {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final HexFormat HEX = HexFormat.of();
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int VERSION = 3;
    private static final int DERIVED_BYTES = 32;
    private static final int CIPHER_KEY_BYTES = 16;
    private static final int KEY_BYTES = 32;
    /// A file must not make us take more memory or time than a careful wallet would.
    private static final long MOST_SCRYPT_BYTES = 1L << 29;

    private static final long MOST_SCRYPT_WORK = 1L << 24;
    private static final int MOST_PBKDF2_ROUNDS = 10_000_000;

    private Keystore() {}

    /// How dear a guess of the password is: scrypt takes 128·n·r bytes and time in proportion to n·r·p.
    ///
    /// @param n a power of two
    public record Cost(int n, int r, int p) {
        /// 128 MiB and some tenths of a second for each guess.
        public static final Cost STANDARD = new Cost(1 << 17, 8, 1);

        public Cost {
            if (n < 2 || Integer.bitCount(n) != 1 || r < 1 || p < 1) {
                throw new IllegalArgumentException(
                        "scrypt needs n a power of two and r, p of 1 or more, not n " + n + ", r " + r + ", p " + p);
            }
            if (r == 1 && n >= 1 << 16) {
                throw new IllegalArgumentException("scrypt with r 1 needs n below 65536 (RFC 7914), not " + n);
            }
            if (128L * n * r > MOST_SCRYPT_BYTES || (long) n * r * p > MOST_SCRYPT_WORK) {
                throw new IllegalArgumentException("scrypt with n " + n + ", r " + r + ", p " + p
                        + " asks more than 512 MiB of memory, or too much time");
            }
        }
    }

    /// The key as the text of a keystore file.
    public static String encrypt(OperatorKey key, KeyPassword password, Cost cost) {
        byte[] salt = random(32);
        byte[] iv = random(16);
        byte[] derived = SCrypt.generate(password.bytes(), salt, cost.n(), cost.r(), cost.p(), DERIVED_BYTES);
        byte[] ciphertext = key.wrapped(privateKey -> aesCtr(derived, iv, privateKey));
        ObjectNode file = JSON.createObjectNode();
        ObjectNode crypto = file.put("address", HEX.formatHex(key.address().bytes()))
                .putObject("crypto")
                .put("cipher", "aes-128-ctr");
        crypto.putObject("cipherparams").put("iv", HEX.formatHex(iv));
        crypto.put("ciphertext", HEX.formatHex(ciphertext)).put("kdf", "scrypt");
        crypto.putObject("kdfparams")
                .put("dklen", DERIVED_BYTES)
                .put("n", cost.n())
                .put("p", cost.p())
                .put("r", cost.r())
                .put("salt", HEX.formatHex(salt));
        crypto.put("mac", HEX.formatHex(mac(derived, ciphertext)));
        file.put("id", UUID.randomUUID().toString()).put("version", VERSION);
        Arrays.fill(derived, (byte) 0);
        try {
            return JSON.writeValueAsString(file) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a JSON tree in memory could not be written", e);
        }
    }

    /// The key of a keystore file.
    ///
    /// @param origin how error messages name the file; they show nothing of its content
    /// @throws IllegalArgumentException where it is no such file, or the password is not its
    public static OperatorKey decrypt(String text, KeyPassword password, String origin) {
        JsonNode file = read(text, origin);
        JsonNode crypto = crypto(file);
        requireText(crypto, "cipher", "aes-128-ctr", origin);
        byte[] ciphertext = bytes(crypto, "ciphertext", KEY_BYTES, origin);
        byte[] iv = bytes(crypto.path("cipherparams"), "iv", 16, origin);
        byte[] derived = derive(crypto, password, origin);
        if (!MessageDigest.isEqual(mac(derived, ciphertext), bytes(crypto, "mac", 32, origin))) {
            throw new IllegalArgumentException("the password is not that of " + origin + ", or the file is damaged");
        }
        OperatorKey key = OperatorKey.ofBytes(aesCtr(derived, iv, ciphertext), origin);
        Arrays.fill(derived, (byte) 0);
        JsonNode address = file.path("address");
        if (address.isTextual() && !key.address().equals(address(address.asText(), origin))) {
            throw new IllegalArgumentException(
                    origin + " names another account than its key's, which is " + key.address());
        }
        return key;
    }

    private static Address address(String digits, String origin) {
        try {
            return Address.parse(digits.startsWith("0x") ? digits : "0x" + digits);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(origin + " does not name its account", e);
        }
    }

    private static JsonNode read(String text, String origin) {
        JsonNode file;
        try {
            file = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            e.clearLocation(); // it would quote the file
            throw new IllegalArgumentException(origin + " is not JSON");
        }
        if (file.path("version").asInt() != VERSION || crypto(file).isMissingNode()) {
            throw new IllegalArgumentException(origin + " is no keystore of version " + VERSION);
        }
        return file;
    }

    /// Some wallets write the member with a capital.
    private static JsonNode crypto(JsonNode file) {
        return file.has("crypto") ? file.path("crypto") : file.path("Crypto");
    }

    private static byte[] derive(JsonNode crypto, KeyPassword password, String origin) {
        JsonNode parameters = crypto.path("kdfparams");
        byte[] salt = bytes(parameters, "salt", -1, origin);
        if (parameters.path("dklen").asInt() != DERIVED_BYTES) {
            throw new IllegalArgumentException(origin + " must have dklen " + DERIVED_BYTES);
        }
        return switch (crypto.path("kdf").asText()) {
            case "scrypt" -> {
                Cost cost = new Cost(
                        parameters.path("n").asInt(),
                        parameters.path("r").asInt(),
                        parameters.path("p").asInt());
                yield SCrypt.generate(password.bytes(), salt, cost.n(), cost.r(), cost.p(), DERIVED_BYTES);
            }
            case "pbkdf2" -> {
                requireText(parameters, "prf", "hmac-sha256", origin);
                int rounds = parameters.path("c").asInt();
                if (rounds < 1 || rounds > MOST_PBKDF2_ROUNDS) {
                    throw new IllegalArgumentException(
                            origin + " asks for " + rounds + " rounds, allowed is 1 to " + MOST_PBKDF2_ROUNDS);
                }
                PKCS5S2ParametersGenerator generator = new PKCS5S2ParametersGenerator(new SHA256Digest());
                generator.init(password.bytes(), salt, rounds);
                yield ((KeyParameter) generator.generateDerivedMacParameters(8 * DERIVED_BYTES)).getKey();
            }
            default -> throw new IllegalArgumentException(origin + " must derive its key with scrypt or pbkdf2");
        };
    }

    private static void requireText(JsonNode node, String member, String expected, String origin) {
        if (!node.path(member).asText().equals(expected)) {
            throw new IllegalArgumentException(origin + " must have " + member + " " + expected);
        }
    }

    /// @param size -1 for any
    private static byte[] bytes(JsonNode node, String member, int size, String origin) {
        try {
            byte[] bytes = HEX.parseHex(node.path(member).asText());
            if (bytes.length > 0 && (size < 0 || bytes.length == size)) {
                return bytes;
            }
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(origin + " must have " + member + " in hexadecimal digits");
        }
        throw new IllegalArgumentException(
                origin + " must have " + member + (size < 0 ? "" : " of " + size + " bytes"));
    }

    private static byte[] mac(byte[] derived, byte[] ciphertext) {
        return Keccak256.hash(Arrays.copyOfRange(derived, CIPHER_KEY_BYTES, DERIVED_BYTES), ciphertext)
                .bytes();
    }

    private static byte[] aesCtr(byte[] derived, byte[] iv, byte[] input) {
        try {
            Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
            // Encrypting and decrypting are the same operation in counter mode.
            cipher.init(
                    Cipher.ENCRYPT_MODE,
                    new SecretKeySpec(derived, 0, CIPHER_KEY_BYTES, "AES"),
                    new IvParameterSpec(iv));
            return cipher.doFinal(input);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JVM has no AES in counter mode", e);
        }
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        RANDOM.nextBytes(bytes);
        return bytes;
    }
}
