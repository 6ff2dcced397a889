package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.SignedReceipt;

/// `examples/verify`: receipts that were committed to a chain, checked by nobody's code of ours. Skipped without
/// Node.js,
/// npm and anvil.
class VerifyExampleTest {
    private static final Path EXAMPLE = TestChain.TARGET.resolveSibling("..").resolve("examples/verify");
    private static final Path TOOLS = TestChain.TARGET.resolve("verify-example");

    @TempDir
    Path folder;

    private Committed committed;

    /// A batch on the chain, with its file.
    private record Committed(
            String endpoint, OperatorKey signer, List<SignedReceipt> receipts, Path batch, MerkleTree tree) {}

    @BeforeAll
    static void install() throws Exception {
        NodeTools.require();
        Files.createDirectories(TOOLS);
        boolean current = Files.exists(TOOLS.resolve("node_modules/.package-lock.json"))
                && Files.mismatch(EXAMPLE.resolve("package-lock.json"), TOOLS.resolve("package-lock.json")) == -1;
        for (String name : List.of("package.json", "package-lock.json", "verify.mjs")) {
            Files.copy(EXAMPLE.resolve(name), TOOLS.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
        if (!current) {
            NodeTools.Outcome outcome =
                    NodeTools.run(TOOLS, List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"), 180);
            assertThat(outcome.status()).as(outcome.output()).isZero();
        }
    }

    @BeforeEach
    void commit() throws IOException {
        TestChain chain = TestChain.require();
        TestChain.Operator operator = chain.operator();
        List<Receipt> receipts = ReceiptFixtures.run("verified by strangers " + operator.id(), 5);
        List<SignedReceipt> signed = receipts.stream()
                .map(receipt -> SignedReceipt.sign(receipt, chain.ledger.domain(), operator.submitter()))
                .toList();
        StringBuilder lines = new StringBuilder();
        signed.forEach(one ->
                lines.append(new String(one.toJson(), StandardCharsets.UTF_8)).append('\n'));
        Path batch = Files.writeString(folder.resolve("batch.jsonl"), lines);
        MerkleTree tree =
                MerkleTree.of(receipts.stream().map(ReceiptCodec::leaf).toList());
        BatchHeader header = BatchHeader.of(
                1, operator.id(), receipts, tree.root(), Keccak256.hash(Files.readAllBytes(batch)), "file:batch");
        new TransactionSender(chain.chain.rpc(), operator.submitter(), Duration.ofSeconds(20))
                .send(chain.ledger.address(), LedgerContract.commitBatchCall(header));
        committed = new Committed(chain.chain.endpoint().toString(), operator.submitter(), signed, batch, tree);
    }

    private NodeTools.Outcome verify(String receipt, Path evidence, String... options)
            throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("receipt.json"), receipt);
        List<String> command = new ArrayList<>(
                List.of("node", "verify.mjs", file.toString(), evidence.toString(), "--rpc", committed.endpoint()));
        command.addAll(List.of(options));
        return NodeTools.run(TOOLS, command, 60);
    }

    private String receipt(int index) {
        return new String(committed.receipts().get(index).toJson(), StandardCharsets.UTF_8);
    }

    @Test
    void verify_receiptOfABatchOnTheChain_holdsByFileAndByProof() throws Exception {
        NodeTools.Outcome byFile = verify(
                receipt(2),
                committed.batch(),
                "--signer",
                committed.signer().address().toString());
        assertThat(byFile.output()).doesNotContain("FAILS").contains("chain      holds", "file       holds");
        assertThat(byFile.status()).isZero();

        MerkleProof proof = committed.tree().proof(2);
        List<String> siblings =
                proof.siblings().stream().map(word -> "\"" + word + "\"").toList();
        Path file = Files.writeString(folder.resolve("proof.json"), siblings.toString());
        NodeTools.Outcome byProof = verify(receipt(2), file);
        assertThat(byProof.output()).doesNotContain("FAILS").contains("chain      holds");
        assertThat(byProof.status()).isZero();
        assertThat(verify(receipt(1), file).status()).isEqualTo(1);
    }

    @Test
    void verify_changedReceiptSignerOrFile_fails() throws Exception {
        String forged = receipt(0).replaceFirst("\"generatedTokens\":", "\"generatedTokens\":1");
        NodeTools.Outcome changed = verify(forged, committed.batch());
        assertThat(changed.output()).contains("batch      FAILS", "chain      FAILS");
        assertThat(changed.status()).isEqualTo(1);

        NodeTools.Outcome otherSigner =
                verify(receipt(0), committed.batch(), "--signer", "0x000000000000000000000000000000000000dEaD");
        assertThat(otherSigner.output()).contains("signature  FAILS").contains("chain      holds");
        assertThat(otherSigner.status()).isEqualTo(1);

        String price = receipt(0).replaceFirst("\"price\":\"", "\"price\":\"9");
        assertThat(verify(price, committed.batch()).output()).contains("payments   FAILS");

        List<String> lines = Files.readAllLines(committed.batch());
        Path shorter = Files.write(folder.resolve("shorter.jsonl"), lines.subList(0, 4));
        NodeTools.Outcome cut = verify(receipt(0), shorter);
        assertThat(cut.output()).contains("batch      holds", "chain      FAILS", "file       FAILS");
        assertThat(cut.status()).isEqualTo(1);
    }
}
