package org.openlora.server.serving;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// Who may find whose cached prefixes: calls whose salts agree. A hit tells a caller, by its speed and its bill, that
/// somebody sent the same prompt before, so nobody shares unless the operator said so.
final class CacheSalts {
    private CacheSalts() {}

    /// The salt of a call: of the tenant's account, or of the group that the operator put the tenant into; and of the
    /// client's own salt, which only ever narrows that circle.
    ///
    /// @param group empty for a tenant that shares with nobody
    /// @param operatorSalt secret, so that no other operator's salts are the same
    /// @param clientSalt null where the call has none
    static Bytes32 of(Bytes32 account, String group, Bytes32 operatorSalt, @Nullable String clientSalt) {
        Sha256 salt = group.isEmpty()
                ? Sha256.domain("openlora/cache-salt/tenant/v1").word(account)
                : Sha256.domain("openlora/cache-salt/group/v1")
                        .word(operatorSalt)
                        .prefixed(utf8(group));
        return salt.prefixed(clientSalt == null ? new byte[0] : utf8(clientSalt))
                .digest();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
