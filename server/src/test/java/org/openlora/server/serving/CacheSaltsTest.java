package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Bytes32;

class CacheSaltsTest {
    private static final Bytes32 OPERATOR = new Bytes32(1, 2, 3, 4);
    private static final Bytes32 ACME = new Bytes32(5, 0, 0, 0);
    private static final Bytes32 OTHER = new Bytes32(6, 0, 0, 0);

    private static Bytes32 salt(Bytes32 account, String group, @Nullable String clientSalt) {
        return CacheSalts.of(account, group, OPERATOR, clientSalt);
    }

    @Test
    void of_twoTenants_agreeOnlyInOneGroup() {
        assertThat(salt(ACME, "", null)).isNotEqualTo(salt(OTHER, "", null));
        assertThat(salt(ACME, "", "same")).isNotEqualTo(salt(OTHER, "", "same"));
        assertThat(salt(ACME, "friends", null)).isEqualTo(salt(OTHER, "friends", null));
        assertThat(salt(ACME, "friends", "same")).isEqualTo(salt(OTHER, "friends", "same"));
    }

    @Test
    void of_differentScopes_neverAgree() {
        assertThat(List.of(
                        salt(ACME, "", null),
                        salt(ACME, "", "a"),
                        salt(ACME, "", "b"),
                        salt(ACME, "a", null),
                        salt(ACME, "b", null),
                        salt(ACME, "a", "b")))
                .doesNotHaveDuplicates();
    }
}
