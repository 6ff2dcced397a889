package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.SignedReceipt;

class KeyRotationTest {
    private final TestChain chain = TestChain.require();
    private final List<String> reports = new ArrayList<>();

    @TempDir
    Path folder;

    @Test
    void rotate_batchesBeforeAndAfter_oneStreamGoesOnAndOldSignaturesHold() throws Exception {
        OperatorKeys keys = new OperatorKeys(folder, Map.of(), Optional::empty);
        OperatorKey old = keys.load().key();
        Bytes32 id = register(old);
        List<Receipt> run = ReceiptFixtures.run("key rotation", 4);
        BatchHeader first = TestChain.seal(1, id, run.subList(0, 2)).header();
        BatchHeader second = TestChain.seal(2, id, run.subList(2, 4)).header();
        SignedReceipt signed = SignedReceipt.sign(run.getFirst(), chain.ledger.domain(), old);
        flush(old, id, List.of(first), "old");

        KeyRotation rotation = new KeyRotation(chain.ledger, id, keys, reports::add);
        assertThatThrownBy(rotation::rotate)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(rotation.nextAccount() + " has no money for gas");
        chain.chain.fund(rotation.nextAccount());
        // Interrupted after the next account became administrator: started again, it ends.
        Address next = rotation.nextAccount();
        send(old, LedgerContract.addReceiptSignerCall(id, next));
        send(old, LedgerContract.offerOperatorAdminCall(id, next));
        send(keys.next(), LedgerContract.acceptOperatorAdminCall(id));
        send(keys.next(), LedgerContract.setSubmitterCall(id, next, true));
        KeyRotation.Rotated rotated = rotation.rotate();

        assertThat(rotated).isEqualTo(new KeyRotation.Rotated(old.address(), next));
        assertThat(keys.load().key().address()).isEqualTo(next);
        assertThat(keys.accounts().orElseThrow().registrant()).isEqualTo(old.address());
        assertThat(chain.ledger.operatorAdmin(id)).isEqualTo(next);
        assertThat(chain.ledger.isSubmitter(id, old.address())).isFalse();
        assertThat(chain.ledger.receiptSignerUntil(id, old.address())).isPositive();
        assertThat(chain.ledger.receiptSignerUntil(id, next)).isEqualTo(-1);
        long until = chain.ledger.receiptSignerUntil(id, old.address());
        assertThat(chain.ledger.verifySignedReceipt(id, signed))
                .isEqualTo(signed.receipt().servedTo() <= until);
        flush(keys.load().key(), id, List.of(first, second), "new");
        assertThat(reports).last().asString().contains("commits no more batches");
        rotation.retireOthers(); // nothing is left to do
        assertThat(reports).hasSize(3);
    }

    @Test
    void rotate_undisturbed_everyRoleMoves() throws Exception {
        OperatorKeys keys = new OperatorKeys(folder, Map.of(), Optional::empty);
        OperatorKey old = keys.load().key();
        Bytes32 id = register(old);
        KeyRotation rotation = new KeyRotation(chain.ledger, id, keys, reports::add);
        chain.chain.fund(rotation.nextAccount());
        Address next = rotation.rotate().current();
        assertThat(chain.ledger.operatorAdmin(id)).isEqualTo(next);
        assertThat(chain.ledger.isSubmitter(id, next)).isTrue();
        assertThat(chain.ledger.isSubmitter(id, old.address())).isFalse();
        assertThat(reports).hasSize(6);
    }

    private Bytes32 register(OperatorKey key) {
        chain.chain.fund(key.address());
        LedgerDeployer deployer = new LedgerDeployer(
                chain.chain.rpc(), new TransactionSender(chain.chain.rpc(), key, Duration.ofSeconds(20)));
        Bytes32 salt = Keccak256.hash("rotation");
        assertThat(deployer.register(chain.ledger, salt, key.address(), key.address()))
                .isPresent();
        return OperatorIds.of(key.address(), salt);
    }

    private void flush(OperatorKey key, Bytes32 id, List<BatchHeader> headers, String journal) throws Exception {
        try (FileAttemptJournal memory = FileAttemptJournal.open(folder.resolve(journal + ".journal"))) {
            new BatchFlusher(
                            chain.ledger,
                            key,
                            new FlushSource(id, headers.getFirst().stream(), SealedBatches.of(headers), memory),
                            FlushPolicy.DEFAULT,
                            Clock.systemUTC(),
                            new FlusherMonitor())
                    .flushUntil(headers.size(), Duration.ofSeconds(20));
        }
    }

    private void send(OperatorKey key, byte[] call) {
        new TransactionSender(chain.chain.rpc(), key, Duration.ofSeconds(20)).send(chain.ledger.address(), call);
    }
}
