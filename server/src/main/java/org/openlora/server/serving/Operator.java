package org.openlora.server.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.OperatorIds;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.keys.KeyPassword;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.keys.OperatorKeys.Accounts;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;

/// Who runs this server: the key that signs receipts, and everything that follows from it.
///
/// @param key signs receipts and pays for transactions
/// @param accounts whose ledger it is, whatever key signs today
/// @param salt makes account hashes of this operator unrelated to others'
/// @param identity of this replica's ledger
public record Operator(OperatorKey key, Accounts accounts, Bytes32 salt, LedgerIdentity identity) {
    /// Salt of the operator's id in the ledger contract: an account that runs one operator needs no other.
    public static final Bytes32 REGISTRATION_SALT = Bytes32.ZERO;

    /// Reads the operator's key, or makes one at the first start.
    ///
    /// The ledger contract's address follows from its code and the operator's account, so receipts can be signed
    /// for it
    /// before any chain was seen.
    public static Operator load(Installation installation, ServerConfig config, Map<String, String> environment) {
        OperatorKeys keys = keys(installation, environment);
        OperatorKey key;
        Accounts accounts;
        try {
            key = keys.load().key();
            accounts = keys.accounts().orElseThrow();
        } catch (IllegalArgumentException | IOException e) {
            throw new Problem("the operator key cannot be used: " + Problem.describe(e), "see ./openlora key show", e);
        }
        LedgerIdentity identity = new LedgerIdentity(
                Sha256.domain("openlora/stream/v1")
                        .prefixed(accounts.registrant().bytes())
                        .prefixed(config.metering().replica().getBytes(StandardCharsets.UTF_8))
                        .digest(),
                OperatorIds.of(accounts.registrant(), REGISTRATION_SALT),
                Eip712Domain.ledger(config.chain().chainId(), LedgerDeployer.addressFor(accounts.registrant())),
                key);
        return new Operator(key, accounts, salt(installation), identity);
    }

    /// The folder of the operator's keys. Their password is asked for where the environment does not give it and
    /// somebody sits at a terminal.
    public static OperatorKeys keys(Installation installation, Map<String, String> environment) {
        return new OperatorKeys(installation.keys(), environment, Operator::askPassword);
    }

    private static Optional<KeyPassword> askPassword() {
        return PasswordPrompt.read("Password of the operator's keystore: ").map(KeyPassword::of);
    }

    /// Whether one of this operator's keys, the present one or an earlier one, made the signature.
    public boolean signed(SignedReceipt receipt) {
        return accounts.signers().stream().anyMatch(receipt::isSignedBy);
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
