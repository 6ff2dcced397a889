package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.receipt.UsageAcknowledgement;

/// The libraries that others use agree with us. Skipped without Node.js and npm.
class JavaScriptToolsTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    Path folder;

    @BeforeEach
    void requireNode() {
        NodeTools.require();
    }

    @Test
    void contract_recompiledWithPinnedSolc_isTheCommittedOne() throws Exception {
        NodeTools.Outcome outcome = NodeTools.node("build.mjs", "--check");
        assertThat(outcome.output()).isEmpty();
        assertThat(outcome.status()).isZero();
    }

    @Test
    void treeDumpProofsHashesAndSignatures_ofJava_acceptedByOpenZeppelinAndViem() throws Exception {
        List<Receipt> receipts = ReceiptFixtures.run("javascript", 37);
        writeTo(folder, receipts, receipts);
        NodeTools.Outcome outcome = NodeTools.node("check.mjs", folder.toString());
        assertThat(outcome.output()).isEqualTo("checked 37 receipts\n");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void treeDump_thatHoldsOtherReceipts_refusedByTheCheck() throws Exception {
        List<Receipt> receipts = ReceiptFixtures.run("javascript", 5);
        writeTo(folder, receipts, ReceiptFixtures.run("another", 5));
        assertThat(NodeTools.node("check.mjs", folder.toString()).status()).isEqualTo(1);
    }

    private static void writeTo(Path folder, List<Receipt> receipts, List<Receipt> inTree) throws IOException {
        OperatorKey key = OperatorKey.ofHex("44".repeat(32));
        Eip712Domain domain = Eip712Domain.ledger(LocalChain.CHAIN_ID, LedgerDeployer.addressFor(key.address()));
        MerkleTree tree = MerkleTree.of(inTree.stream().map(ReceiptCodec::leaf).toList());
        List<List<String>> columns =
                inTree.stream().map(ReceiptCodec::leafColumns).toList();
        Files.writeString(folder.resolve("tree.json"), tree.dump(ReceiptCodec.LEAF_ENCODING, columns));
        ObjectNode json = JSON.createObjectNode().put("root", tree.root().toString());
        ArrayNode entries = json.putArray("entries");
        for (int i = 0; i < receipts.size(); i++) {
            Receipt receipt = receipts.get(i);
            ObjectNode entry = entries.addObject()
                    .put("structHash", ReceiptCodec.structHash(receipt).toString())
                    .put("digest", ReceiptCodec.digest(domain, receipt).toString())
                    .put("leaf", ReceiptCodec.leaf(receipt).toString())
                    .put("signer", key.address().toString());
            entry.set("receipt", tree(SignedReceipt.sign(receipt, domain, key).toJson()));
            ArrayNode proof = entry.putArray("proof");
            tree.proof(i).siblings().forEach(sibling -> proof.add(sibling.toString()));
        }
        SignedAcknowledgement acknowledgement =
                SignedAcknowledgement.sign(UsageAcknowledgement.of(receipts.getFirst()), domain, key);
        json.set("acknowledgement", tree(acknowledgement.toJson()));
        Files.writeString(folder.resolve("receipts.json"), json.toString());
    }

    private static JsonNode tree(byte[] json) throws IOException {
        return JSON.readTree(json);
    }
}
