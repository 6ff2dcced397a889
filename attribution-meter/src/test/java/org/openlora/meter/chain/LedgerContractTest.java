package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.esaulpaugh.headlong.abi.Tuple;
import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.chain.TestChain.Operator;
import org.openlora.meter.chain.TestChain.Sealed;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptVectors;
import org.openlora.meter.receipt.SignedReceipt;

/// The compiled contract on a real EVM. Without anvil these are skipped.
class LedgerContractTest {
    private final TestChain chain = TestChain.require();
    private final LedgerContract ledger = chain.ledger;
    private final Operator operator = chain.operator();

    @Test
    void deploy_again_sameAddressAndNoTransaction() {
        BigInteger before = chain.chain.rpc().integer(transactionCount());
        assertThat(chain.deployer.deploy(chain.admin.address()).address())
                .isEqualTo(LedgerDeployer.addressFor(chain.admin.address()))
                .isEqualTo(ledger.address());
        assertThat(chain.chain.rpc().integer(transactionCount())).isEqualTo(before);
    }

    @Test
    void domain_byErc5267_isTheOneThatReceiptsAreSignedIn() {
        byte[] call = LedgerAbi.call("eip712Domain");
        byte[] answer = Hex.decode(chain.chain
                .rpc()
                .call("eth_call", TransactionSender.callObject(Address.ZERO, ledger.address(), call), "latest")
                .asText());
        Tuple domain = LedgerAbi.function("eip712Domain").decodeReturn(answer);
        Eip712Domain ours = ledger.domain();
        assertThat(domain.<byte[]>get(0)).containsExactly(0x0f); // name, version, chain id, contract; no salt
        assertThat(domain.<String>get(1)).isEqualTo(ours.name());
        assertThat(domain.<String>get(2)).isEqualTo(ours.version());
        assertThat(domain.<BigInteger>get(3)).isEqualTo(BigInteger.valueOf(ours.chainId()));
        assertThat(domain.get(4).toString()).isEqualTo(ours.verifyingContract().toString());
        assertThat(Bytes32.of(Hex.decode(chain.chain
                        .rpc()
                        .call(
                                "eth_call",
                                TransactionSender.callObject(
                                        Address.ZERO, ledger.address(), LedgerAbi.call("domainSeparator")),
                                "latest")
                        .asText())))
                .isEqualTo(ours.separator());
    }

    @Test
    void hashReceipt_vectorsAndRandom_equalsJava() {
        List<Receipt> receipts = new ArrayList<>(ReceiptVectors.read().receipts());
        receipts.addAll(ReceiptFixtures.run("hashing", 20));
        for (Receipt receipt : receipts) {
            assertThat(ledger.hashReceipt(receipt)).isEqualTo(ReceiptCodec.structHash(receipt));
        }
    }

    @Test
    void commitBatch_nextReplayGapConflict_asTheContractPromises() {
        List<Receipt> run = ReceiptFixtures.run("commit", 30);
        Sealed first = seal(1, run.subList(0, 10));
        Sealed second = seal(2, run.subList(10, 25));
        assertThatThrownBy(() -> commit(second.header())).hasMessageContaining("reverted");
        assertThat(revertOf(second.header())).isEqualTo("BatchGap(1)");
        commit(first.header());
        commit(first.header()); // an identical replay changes nothing
        assertThat(state().batches()).isEqualTo(1);
        assertThat(state().gross()).isEqualTo(first.header().gross());
        assertThat(state().creditTotal()).isEqualTo(first.header().creditTotal());
        assertThat(revertOf(seal(1, run.subList(0, 9)).header())).isEqualTo("BatchConflict(1)");
        assertThat(revertOf(seal(2, run.subList(11, 25)).header())).isEqualTo("SequenceGap(11)");
        assertThat(revertOf(seal(2, run.subList(9, 25)).header())).isEqualTo("SequenceGap(11)");
        commit(second.header());
        Bytes32 head = second.header().head(first.header().head(Bytes32.ZERO));
        LedgerContract.Commit stored = ledger.batch(operator.id(), stream(run), 2, BlockReference.LATEST);
        assertThat(stored.head()).isEqualTo(head);
        assertThat(stored.root()).isEqualTo(second.tree().root());
        assertThat(state().lastSeq()).isEqualTo(25);
        assertThat(state().gross())
                .isEqualTo(first.header().gross().add(second.header().gross()));
    }

    @Test
    void commitBatch_countThatDoesNotFit_refusedByTheContractItself() {
        BatchHeader header = seal(1, ReceiptFixtures.run("commit", 5)).header();
        byte[] call = LedgerContract.commitBatchCall(header);
        int count = 4 + 32 + 5 * 32 + 31; // last byte of the sixth member, after the offset of the struct
        assertThat(call[count]).isEqualTo((byte) 5);
        for (int wrong : new int[] {0, 4, 6}) {
            call[count] = (byte) wrong;
            assertThat(revertOf(call)).isEqualTo("InvalidBatch()");
        }
    }

    @Test
    void verifyReceipt_everyReceipt_onlyInItsOwnBatchAndStream() {
        List<Receipt> run = ReceiptFixtures.run("verify", 20);
        Sealed first = seal(1, run.subList(0, 7));
        Sealed second = seal(2, run.subList(7, 20));
        commit(first.header());
        commit(second.header());
        for (Sealed batch : List.of(first, second)) {
            for (int i = 0; i < batch.receipts().size(); i++) {
                MerkleProof proof = batch.tree().proof(i);
                Receipt receipt = batch.receipts().get(i);
                long number = batch.header().number();
                assertThat(verify(stream(run), number, receipt, proof)).isTrue();
                assertThat(verify(stream(run), 3 - number, receipt, proof)).isFalse();
                assertThat(verify(stream(run), 3, receipt, proof)).isFalse();
                assertThat(verify(operator.id(), number, receipt, proof)).isFalse();
                assertThat(ledger.verifyReceipt(stream(run), stream(run), number, receipt, proof))
                        .isFalse();
            }
        }
    }

    /// A tree may hold what the contract must still refuse: a receipt of another stream, or with a number
    /// outside.
    @Test
    void verifyReceipt_leafOfForeignStreamOrNumberInTheTree_false() {
        List<Receipt> run = ReceiptFixtures.run("verify", 3);
        List<Receipt> foreign = ReceiptFixtures.run("foreign", 9);
        List<Receipt> leaves = List.of(run.get(0), run.get(1), foreign.get(0), run.get(2));
        var tree = MerkleTree.of(leaves.stream().map(ReceiptCodec::leaf).toList());
        BatchHeader header = BatchHeader.of(1, operator.id(), run.subList(0, 2), tree.root(), stream(run), "");
        commit(header);
        assertThat(verify(stream(run), 1, run.get(0), tree.proof(0))).isTrue();
        assertThat(verify(stream(run), 1, run.get(1), tree.proof(1))).isTrue();
        assertThat(verify(stream(run), 1, foreign.get(0), tree.proof(2))).isFalse();
        assertThat(ledger.verifyReceipt(header, run.get(1), tree.proof(1))).isTrue();
        assertThat(ledger.verifyReceipt(header, run.get(2), tree.proof(3)))
                .as("seq 3 of a batch that ends at 2")
                .isFalse();
    }

    @Test
    void verifyBatch_thisVeryHeader_noOther() {
        List<Receipt> run = ReceiptFixtures.run("header", 9);
        Sealed first = seal(1, run.subList(0, 4));
        Sealed second = seal(2, run.subList(4, 9));
        commit(first.header());
        assertThat(ledger.verifyBatch(second.header())).isFalse();
        commit(second.header());
        assertThat(ledger.verifyBatch(first.header())).isTrue();
        assertThat(ledger.verifyBatch(second.header())).isTrue();
        assertThat(ledger.verifyBatch(seal(2, run.subList(4, 8)).header())).isFalse();
        BatchHeader elsewhere = BatchHeader.of(
                2,
                operator.id(),
                run.subList(4, 9),
                second.tree().root(),
                second.header().dataHash(),
                "file:elsewhere");
        assertThat(ledger.verifyBatch(elsewhere)).isFalse();
    }

    @Test
    void verifyReceipt_anyByteOfTheEncodedReceiptChanged_falseOrReverted() {
        List<Receipt> run = ReceiptFixtures.run("tampering", 5);
        Sealed batch = seal(1, run);
        commit(batch.header());
        byte[] call = LedgerContract.verifyReceiptCall(
                operator.id(), stream(run), 1, run.get(2), batch.tree().proof(2));
        assertThat(resultOf(List.of(call))).containsExactly(true);
        int from = 4 + offsetAt(call, 3);
        int to = 4 + offsetAt(call, 4);
        assertThat(to - from).isEqualTo((27 + 1 + 2 * 4 + 1 + 5 * 4) * 32);
        for (int mask : new int[] {0x01, 0x80}) {
            List<byte[]> calls = new ArrayList<>();
            for (int position = from; position < to; position++) {
                byte[] changed = call.clone();
                changed[position] ^= (byte) mask;
                calls.add(changed);
            }
            assertThat(resultOf(calls)).hasSize(to - from).containsOnly(false);
        }
    }

    @Test
    void verifySignedReceipt_termsOfTheSigner_honoured() {
        Eip712Domain domain = ledger.domain();
        Receipt receipt = ReceiptFixtures.run("signed", 1).getFirst();
        SignedReceipt signed = SignedReceipt.sign(receipt, domain, operator.submitter());
        assertThat(ledger.verifySignedReceipt(operator.id(), signed)).isTrue();
        OperatorKey other = OperatorKey.ofHex("22".repeat(32));
        SignedReceipt byOther = SignedReceipt.sign(receipt, domain, other);
        assertThat(ledger.verifySignedReceipt(operator.id(), byOther)).isFalse();
        administer(LedgerContract.addReceiptSignerCall(operator.id(), other.address()));
        assertThat(ledger.verifySignedReceipt(operator.id(), byOther)).isTrue();
        administer(LedgerContract.retireReceiptSignerCall(operator.id(), other.address()));
        long until = ledger.receiptSignerUntil(operator.id(), other.address());
        assertThat(until).isPositive();
        assertThat(ledger.verifySignedReceipt(operator.id(), byOther)).isEqualTo(receipt.servedTo() <= until);
        Eip712Domain elsewhere = Eip712Domain.ledger(1, ledger.address());
        assertThat(ledger.verifySignedReceipt(
                        operator.id(), SignedReceipt.sign(receipt, elsewhere, operator.submitter())))
                .isFalse();
    }

    @Test
    void submitters_rotated_newOneGoesOnWithTheSequence() {
        List<Receipt> run = ReceiptFixtures.run("rotation", 10);
        commit(seal(1, run.subList(0, 5)).header());
        OperatorKey successor = OperatorKey.ofHex("33".repeat(32));
        chain.chain.fund(successor.address());
        BatchHeader second = seal(2, run.subList(5, 10)).header();
        assertThat(revertOf(successor.address(), LedgerContract.commitBatchCall(second)))
                .startsWith("NotSubmitter(");
        administer(LedgerContract.setSubmitterCall(operator.id(), successor.address(), true));
        administer(LedgerContract.setSubmitterCall(
                operator.id(), operator.submitter().address(), false));
        assertThat(ledger.isSubmitter(operator.id(), operator.submitter().address()))
                .isFalse();
        assertThat(revertOf(second)).startsWith("NotSubmitter(");
        new TransactionSender(chain.chain.rpc(), successor, Duration.ofSeconds(20))
                .send(ledger.address(), LedgerContract.commitBatchCall(second));
        assertThat(state("rotation").batches()).isEqualTo(2);
    }

    @Test
    void administration_byAnyoneElse_refused() {
        byte[] call = LedgerContract.setSubmitterCall(
                operator.id(), operator.submitter().address(), true);
        assertThat(revertOf(operator.submitter().address(), call)).startsWith("NotAdmin(");
        assertThat(ledger.operatorAdmin(operator.id())).isEqualTo(chain.admin.address());
        assertThat(revertOf(
                        operator.submitter().address(),
                        LedgerAbi.call("setSuspended", operator.id().bytes(), true)))
                .startsWith("OwnableUnauthorizedAccount(");
    }

    @Test
    void suspension_byTheOwner_stopsNewBatchesOnly() {
        List<Receipt> run = ReceiptFixtures.run("suspended", 4);
        BatchHeader first = seal(1, run.subList(0, 2)).header();
        commit(first);
        administer(LedgerAbi.call("setSuspended", operator.id().bytes(), true));
        commit(first);
        assertThat(revertOf(seal(2, run.subList(2, 4)).header())).startsWith("Suspended(");
        administer(LedgerAbi.call("setSuspended", operator.id().bytes(), false));
        commit(seal(2, run.subList(2, 4)).header());
    }

    @Test
    void gas_perBatch_reported() {
        List<Receipt> run = ReceiptFixtures.run("gas", 300);
        TransactionSender submitter =
                new TransactionSender(chain.chain.rpc(), operator.submitter(), Duration.ofSeconds(20));
        List<Long> gas = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            BatchHeader header =
                    seal(i + 1, run.subList(100 * i, 100 * i + 100)).header();
            gas.add(submitter
                    .send(ledger.address(), LedgerContract.commitBatchCall(header))
                    .gasUsed());
        }
        gas.add(submitter
                .send(
                        ledger.address(),
                        LedgerContract.commitBatchCall(
                                seal(3, run.subList(200, 300)).header()))
                .gasUsed());
        System.out.println("commitBatch gas: first, second, third, replay of the third: " + gas);
        assertThat(gas.get(2)).isLessThan(160_000);
        assertThat(gas.get(3)).isLessThan(60_000);
    }

    private Sealed seal(long number, List<Receipt> receipts) {
        return TestChain.seal(number, operator.id(), receipts);
    }

    private static Bytes32 stream(List<Receipt> run) {
        return run.getFirst().stream();
    }

    private LedgerContract.StreamState state() {
        return state("commit");
    }

    private LedgerContract.StreamState state(String stream) {
        return ledger.stream(operator.id(), Keccak256.hash(stream), BlockReference.LATEST);
    }

    private boolean verify(Bytes32 stream, long number, Receipt receipt, MerkleProof proof) {
        return ledger.verifyReceipt(operator.id(), stream, number, receipt, proof);
    }

    private void commit(BatchHeader header) {
        new TransactionSender(chain.chain.rpc(), operator.submitter(), Duration.ofSeconds(20))
                .send(ledger.address(), LedgerContract.commitBatchCall(header));
    }

    private void administer(byte[] call) {
        chain.sender.send(ledger.address(), call);
    }

    private JsonNode transactionCount() {
        return chain.chain
                .rpc()
                .call("eth_getTransactionCount", chain.admin.address().toString(), "latest");
    }

    private String revertOf(BatchHeader header) {
        return revertOf(LedgerContract.commitBatchCall(header));
    }

    private String revertOf(byte[] call) {
        return revertOf(operator.submitter().address(), call);
    }

    private String revertOf(Address from, byte[] call) {
        try {
            chain.chain.rpc().call("eth_call", TransactionSender.callObject(from, ledger.address(), call), "latest");
            return "no revert";
        } catch (ChainException.Refused e) {
            return LedgerAbi.describeRevert(e.revertData());
        }
    }

    /// What `verifyReceipt` answers to each call data; a revert counts as false.
    private List<Boolean> resultOf(List<byte[]> calls) {
        List<Boolean> results = new ArrayList<>();
        for (int start = 0; start < calls.size(); start += 256) {
            List<JsonRpc.Call> batch = calls.subList(start, Math.min(start + 256, calls.size())).stream()
                    .map(call -> new JsonRpc.Call(
                            "eth_call", TransactionSender.callObject(Address.ZERO, ledger.address(), call), "latest"))
                    .toList();
            for (JsonRpc.Answer answer : chain.chain.rpc().batch(batch)) {
                results.add(
                        switch (answer) {
                            case JsonRpc.Answer.Success success ->
                                success.value().asText().endsWith("1");
                            case JsonRpc.Answer.Failure _ -> false;
                        });
            }
        }
        return results;
    }

    private static int offsetAt(byte[] call, int word) {
        return new BigInteger(1, Hex.decode(Hex.encode(call).substring(2 + 8 + 64 * word, 2 + 8 + 64 * word + 64)))
                .intValueExact();
    }
}
