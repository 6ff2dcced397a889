package org.openlora.meter.chain;

import java.io.IOException;
import java.math.BigInteger;
import java.time.Duration;
import java.util.function.Consumer;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.keys.OperatorKeys.Accounts;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Signer;

/// Puts a new key in an operator's place, on the chain and on the disk: the new account becomes submitter, receipt
/// signer and administrator, then the files are switched, then the old account is retired. What the old key signed
/// stays valid. Every step looks first whether it was taken, so a rotation that was interrupted goes on where it
/// stopped when it is started again.
public final class KeyRotation {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /// Of an account that signs without end, as [LedgerContract#receiptSignerUntil] gives it.
    private static final long WITHOUT_END = -1;

    private final LedgerContract contract;
    private final Bytes32 operatorId;
    private final OperatorKeys keys;
    private final Consumer<String> report;

    /// What a rotation changed.
    public record Rotated(Address retired, Address current) {}

    /// @param report told of each step in one line
    public KeyRotation(LedgerContract contract, Bytes32 operatorId, OperatorKeys keys, Consumer<String> report) {
        this.contract = contract;
        this.operatorId = operatorId;
        this.keys = keys;
        this.report = report;
    }

    /// The account that comes next, made where there is none yet: it needs money for gas before [#rotate].
    public Address nextAccount() throws IOException {
        return keys.next().address();
    }

    /// @throws ChainException where the chain does not answer or refuses; start again
    /// @throws IllegalArgumentException where the next account has no money for gas
    public Rotated rotate() throws IOException {
        OperatorKey present = keys.load().key();
        OperatorKey next = keys.next();
        requireFunds(next.address());
        if (contract.receiptSignerUntil(operatorId, next.address()) != WITHOUT_END) {
            send(present, LedgerContract.addReceiptSignerCall(operatorId, next.address()));
            report.accept(next.address() + " may sign receipts");
        }
        if (!contract.isSubmitter(operatorId, next.address())) {
            send(present, LedgerContract.setSubmitterCall(operatorId, next.address(), true));
            report.accept(next.address() + " may commit batches");
        }
        if (contract.operatorAdmin(operatorId).equals(present.address())) {
            send(present, LedgerContract.offerOperatorAdminCall(operatorId, next.address()));
            send(next, LedgerContract.acceptOperatorAdminCall(operatorId));
            report.accept(next.address() + " administers the operator");
        }
        keys.switchToNext();
        report.accept("the key files are switched");
        retireOthers();
        return new Rotated(present.address(), next.address());
    }

    /// Ends the terms of all accounts but the present one; also what a rotation that was interrupted left undone.
    public void retireOthers() throws IOException {
        OperatorKey present = keys.load().key();
        Accounts accounts = keys.accounts().orElseThrow();
        for (Address account : accounts.signers()) {
            if (account.equals(present.address())) {
                continue;
            }
            if (contract.receiptSignerUntil(operatorId, account) == WITHOUT_END) {
                send(present, LedgerContract.retireReceiptSignerCall(operatorId, account));
                report.accept(account + " signs no more receipts; those it signed stay valid");
            }
            if (contract.isSubmitter(operatorId, account)) {
                send(present, LedgerContract.setSubmitterCall(operatorId, account, false));
                report.accept(account + " commits no more batches");
            }
        }
    }

    private void requireFunds(Address account) {
        JsonRpc rpc = contract.rpc();
        BigInteger balance = rpc.integer(rpc.call("eth_getBalance", account.toString(), "latest"));
        if (balance.signum() == 0) {
            throw new IllegalArgumentException(
                    "the next account " + account + " has no money for gas: send it some, then rotate again");
        }
    }

    private void send(Signer sender, byte[] call) {
        new TransactionSender(contract.rpc(), sender, PATIENCE).send(contract.address(), call);
    }
}
