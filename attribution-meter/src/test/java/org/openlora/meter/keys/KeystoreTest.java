package org.openlora.meter.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.OperatorKey;

class KeystoreTest {
    static final Keystore.Cost CHEAP = new Keystore.Cost(1 << 10, 8, 1);
    private static final KeyPassword PASSWORD = KeyPassword.of("testpassword");
    /// Key of the definition's test vectors.
    private static final String VECTOR_KEY = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d";

    private static final String PBKDF2_VECTOR = """
            {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},
            "ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2",
            "kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256",
            "salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},
            "mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},
            "id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}""";
    /// Of the same key, written by Foundry's cast 1.7.1.
    private static final String SCRYPT_VECTOR = """
            {"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"b36432d3f8e1cde8a5cff18bb1914099"},
            "ciphertext":"f6535066bb25eb4231362f69f2e3dba7fc26eced94120e4c021c1e3a7a624948","kdf":"scrypt",
            "kdfparams":{"dklen":32,"n":8192,"p":1,"r":8,
            "salt":"9a7c2adb987c014e43f618778557e71e93159aecd7c2096a4c095cf06a9d92b5"},
            "mac":"2bad5b522320be26e87b979fa26ddc041583dd5dbac9fdb4008279c77d07bbcb"},
            "id":"a0d7f8a3-f84b-4a8d-878a-121c2100887e","version":3}""";

    @Test
    void decrypt_filesOfOtherPrograms_theirKey() {
        Address account = OperatorKey.ofHex(VECTOR_KEY).address();
        assertThat(Keystore.decrypt(PBKDF2_VECTOR, PASSWORD, "vector").address())
                .isEqualTo(account);
        assertThat(Keystore.decrypt(SCRYPT_VECTOR, KeyPassword.of("correct horse"), "vector")
                        .address())
                .isEqualTo(account)
                .hasToString("0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b");
    }

    @Test
    void encrypt_thenDecrypt_sameKeyAndNothingOfItInTheFile() {
        OperatorKey key = OperatorKey.ofHex(VECTOR_KEY);
        String file = Keystore.encrypt(key, PASSWORD, CHEAP);
        OperatorKey read = Keystore.decrypt(file, PASSWORD, "file");
        assertThat(read.sign(Keccak256.hash("x"))).isEqualTo(key.sign(Keccak256.hash("x")));
        assertThat(file).doesNotContain(VECTOR_KEY, "testpassword").contains("\"version\" : 3");
        assertThat(Keystore.encrypt(key, PASSWORD, CHEAP)).isNotEqualTo(file); // its own salt each time
    }

    @Test
    void decrypt_anotherPasswordOrAnyChange_refused() {
        String file = Keystore.encrypt(OperatorKey.ofHex(VECTOR_KEY), PASSWORD, CHEAP);
        assertThatThrownBy(() -> Keystore.decrypt(file, KeyPassword.of("testpasswore"), "file f"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the password is not that of file f, or the file is damaged");
        for (String member : List.of("ciphertext", "salt", "mac", "address")) {
            var matcher = Pattern.compile("\"" + member + "\" : \"(.)").matcher(file);
            assertThat(matcher.find()).isTrue();
            char other = matcher.group(1).equals("0") ? '1' : '0';
            String changed = file.substring(0, matcher.start(1)) + other + file.substring(matcher.end(1));
            assertThatThrownBy(() -> Keystore.decrypt(changed, PASSWORD, "file f"))
                    .as(member)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("file f");
        }
    }

    @Test
    void decrypt_noKeystoreOrOneThatAsksTooMuch_saysWhatIsWrong() {
        assertThatThrownBy(() -> Keystore.decrypt("7a28b5ba57c53603", PASSWORD, "file f"))
                .hasMessageStartingWith("file f is no")
                .hasNoCause()
                .message()
                .doesNotContain("7a28");
        assertThatThrownBy(() -> Keystore.decrypt("{\"version\":1}", PASSWORD, "file f"))
                .hasMessage("file f is no keystore of version 3");
        String greedy = SCRYPT_VECTOR.replace("8192", "16777216");
        assertThatThrownBy(() -> Keystore.decrypt(greedy, PASSWORD, "file f")).hasMessageContaining("512 MiB");
        String odd = SCRYPT_VECTOR.replace("8192", "8191");
        assertThatThrownBy(() -> Keystore.decrypt(odd, PASSWORD, "file f")).hasMessageContaining("power of two");
        assertThatThrownBy(() -> Keystore.decrypt(SCRYPT_VECTOR.replace("scrypt", "argon2"), PASSWORD, "file f"))
                .hasMessage("file f must derive its key with scrypt or pbkdf2");
    }

    @Test
    void toString_ofAPassword_hidesIt() {
        assertThat(PASSWORD.toString()).isEqualTo("KeyPassword[hidden]");
    }
}
