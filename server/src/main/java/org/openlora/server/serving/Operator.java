package org.openlora.server.serving;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.OperatorIds;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;

/// Who runs this server: the key that signs receipts, and everything that follows from it.
///
/// @param key signs receipts and pays for transactions
/// @param salt makes account hashes of this operator unrelated to others'
/// @param identity of this replica's ledger
public record Operator(OperatorKey key, Bytes32 salt, LedgerIdentity identity) {
    /// Salt of the operator's id in the ledger contract: an account that runs one operator needs no other.
    public static final Bytes32 REGISTRATION_SALT = Bytes32.ZERO;

    /// Reads the operator's key, or makes one at the first start.
    ///
    /// The ledger contract's address follows from its code and the operator's account, so receipts can be signed
    /// for it
    /// before any chain was seen.
    public static Operator load(Installation installation, ServerConfig config, Map<String, String> environment) {
        OperatorKey key;
        try {
            key = OperatorKey.load(installation.keys().resolve("operator.key"), environment);
        } catch (IllegalArgumentException | UncheckedIOException e) {
            throw new Problem("the operator key cannot be used: " + Problem.describe(e), "mend or remove the file", e);
        }
        LedgerIdentity identity = new LedgerIdentity(
                Sha256.domain("openlora/stream/v1")
                        .prefixed(key.address().bytes())
                        .prefixed(config.metering().replica().getBytes(StandardCharsets.UTF_8))
                        .digest(),
                OperatorIds.of(key.address(), REGISTRATION_SALT),
                Eip712Domain.ledger(config.chain().chainId(), LedgerDeployer.addressFor(key.address())),
                key);
        return new Operator(key, salt(installation), identity);
    }

    /// The salted hash that stands for a tenant in receipts.
    public Bytes32 account(String tenant) {
        return Sha256.domain("openlora/account/v1")
                .prefixed(salt.bytes())
                .prefixed(tenant.getBytes(StandardCharsets.UTF_8))
                .digest();
    }

    private static Bytes32 salt(Installation installation) {
        try {
            return SecretFile.load(installation.keys().resolve("account.salt"));
        } catch (IOException e) {
            throw new Problem(
                    "%s cannot be read or written: %s".formatted(installation.keys(), Problem.describe(e)),
                    "check its permissions",
                    e);
        }
    }
}
