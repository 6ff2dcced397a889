package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.erdtman.jcs.JsonCanonicalizer;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;

class ReceiptCodecTest {
    private static final ReceiptVectors VECTORS = ReceiptVectors.read();

    @Test
    void hashes_ofVectors_equalThoseOfViem() {
        assertThat(ReceiptCodec.RECEIPT_TYPE + ReceiptCodec.ADAPTER_USE_TYPE + ReceiptCodec.PAYMENT_TYPE)
                .isEqualTo(VECTORS.json().get("typeString").asText());
        assertThat(ReceiptCodec.RECEIPT_TYPE_HASH).isEqualTo(VECTORS.word("/typeHash"));
        assertThat(VECTORS.domain().separator()).isEqualTo(VECTORS.word("/domainSeparator"));
        List<Receipt> receipts = VECTORS.receipts();
        assertThat(receipts).hasSize(6);
        assertThat(receipts.stream().map(ReceiptCodec::structHash)).isEqualTo(VECTORS.words("structHash"));
        assertThat(receipts.stream().map(receipt -> ReceiptCodec.digest(VECTORS.domain(), receipt)))
                .isEqualTo(VECTORS.words("digest"));
        assertThat(receipts.stream().map(ReceiptCodec::leaf)).isEqualTo(VECTORS.words("leaf"));
    }

    @Test
    void signatures_ofVectors_equalThoseOfViem() {
        OperatorKey key = VECTORS.key();
        assertThat(key.address()).hasToString(VECTORS.json().get("address").asText());
        for (JsonNode entry : VECTORS.json().get("receipts")) {
            Receipt receipt = VECTORS.receipts().get(entry.at("/receipt/seq").asInt() - 1);
            SignedReceipt signed = SignedReceipt.sign(receipt, VECTORS.domain(), key);
            assertThat(signed.signature()).hasToString(entry.get("signature").asText());
            assertThat(signed.isSignedBy(key.address())).isTrue();
        }
    }

    @Test
    void prevReceipt_ofVectors_isTheStructHashBefore() {
        List<Receipt> receipts = VECTORS.receipts();
        for (int i = 1; i < receipts.size(); i++) {
            assertThat(receipts.get(i).prevReceipt()).isEqualTo(ReceiptCodec.structHash(receipts.get(i - 1)));
        }
    }

    @Test
    void acknowledgement_ofVectors_equalsThatOfViem() {
        Receipt receipt = VECTORS.receipts().get(2);
        SignedAcknowledgement signed =
                SignedAcknowledgement.sign(UsageAcknowledgement.of(receipt), VECTORS.domain(), VECTORS.key());
        assertThat(VECTORS.domain().digest(signed.acknowledgement().structHash()))
                .isEqualTo(VECTORS.word("/acknowledgement/digest"));
        assertThat(signed.signature())
                .hasToString(VECTORS.json().at("/acknowledgement/signature").asText());
        assertThat(signed.signer()).contains(VECTORS.key().address());
        assertThat(SignedAcknowledgement.fromJson(signed.toJson())).isEqualTo(signed);
    }

    @Test
    void json_ofVectorsAndRandomReceipts_isCanonicalAndRoundTrips() throws IOException {
        List<Receipt> receipts = new java.util.ArrayList<>(VECTORS.receipts());
        receipts.addAll(ReceiptFixtures.run("round trip", 50));
        for (Receipt receipt : receipts) {
            byte[] json = ReceiptCodec.toJson(receipt);
            assertThat(new JsonCanonicalizer(json).getEncodedUTF8()).isEqualTo(json);
            assertThat(ReceiptCodec.fromJson(json)).isEqualTo(receipt);
        }
    }

    @Test
    void json_notCanonical_refused() {
        String json = new String(ReceiptCodec.toJson(VECTORS.receipts().get(2)), StandardCharsets.UTF_8);
        refused(json + " ", "not in canonical form");
        refused(json + "{}", "not JSON");
        refused(json.replace("\"seq\":\"3\"", "\"seq\":\"03\""), "receipt.seq");
        refused(json.replace("\"seq\":\"3\"", "\"seq\":3"), "receipt.seq");
        refused(json.replace("\"seq\":\"3\"", "\"seq\":\"3\",\"seq\":\"3\""), "Duplicate");
        refused(json.replace("\"seq\":\"3\"", "\"seq\":\"3\",\"zeq\":\"3\""), "unknown members [zeq]");
        refused(json.replace("\"seq\":\"3\",", ""), "missing members [seq]");
        refused(json.replace("\"promptTokens\":17", "\"promptTokens\":17.0"), "receipt.promptTokens");
        refused(json.replace("\"promptTokens\":17", "\"promptTokens\":4294967296"), "receipt.promptTokens");
        refused(json.replace("\"stream\":\"0x", "\"stream\":\""), "not in canonical form");
        refused("[]", "expected a JSON object");
        refused("", "receipt: ");
    }

    /// Each byte is changed in several ways, one at a time: no change yields a receipt that is in the tree or
    /// that the signature fits.
    @Test
    void json_anyByteChanged_neverVerifies() {
        List<Receipt> receipts = ReceiptFixtures.run("tampering", 5);
        MerkleTree tree =
                MerkleTree.of(receipts.stream().map(ReceiptCodec::leaf).toList());
        MerkleProof proof = tree.proof(2);
        assertThat(proof.verify(tree.root(), ReceiptCodec.leaf(receipts.get(2))))
                .isTrue();
        SignedReceipt signed = SignedReceipt.sign(receipts.get(2), VECTORS.domain(), VECTORS.key());
        byte[] json = ReceiptCodec.toJson(receipts.get(2));
        int readable = 0;
        for (int position = 0; position < json.length; position++) {
            for (int mask : new int[] {0x01, 0x02, 0x20, 0xff}) {
                byte[] changed = json.clone();
                changed[position] ^= (byte) mask;
                Receipt receipt;
                try {
                    receipt = ReceiptCodec.fromJson(changed);
                } catch (IllegalArgumentException refused) {
                    continue;
                }
                readable++;
                assertThat(receipt).isNotEqualTo(receipts.get(2));
                assertThat(proof.verify(tree.root(), ReceiptCodec.leaf(receipt)))
                        .isFalse();
                if (mask == 0x01 && position % 8 == 0) {
                    assertThat(new SignedReceipt(receipt, VECTORS.domain(), signed.signature())
                                    .isSignedBy(VECTORS.key().address()))
                            .isFalse();
                }
            }
        }
        assertThat(readable).isGreaterThan(1000); // most changes within hashes give another well-formed receipt
    }

    @Test
    void signedReceipt_json_roundTripsAndBindsTheDomain() {
        SignedReceipt signed = SignedReceipt.sign(VECTORS.receipts().get(1), VECTORS.domain(), VECTORS.key());
        SignedReceipt read = SignedReceipt.fromJson(signed.toJson());
        assertThat(read).isEqualTo(signed);
        assertThat(read.signer()).contains(VECTORS.key().address());
        Eip712Domain other = Eip712Domain.ledger(1, VECTORS.domain().verifyingContract());
        assertThat(new SignedReceipt(signed.receipt(), other, signed.signature())
                        .isSignedBy(VECTORS.key().address()))
                .isFalse();
    }

    @Test
    void leafColumns_ofAReceipt_matchTheEncoding() {
        Receipt receipt = VECTORS.receipts().get(2);
        List<String> columns = ReceiptCodec.leafColumns(receipt);
        assertThat(columns).hasSameSizeAs(ReceiptCodec.LEAF_ENCODING);
        for (int i = 0; i < columns.size(); i++) {
            String type = ReceiptCodec.LEAF_ENCODING.get(i);
            if (type.equals("bytes32")) {
                assertThat(Bytes32.parse(columns.get(i)).toString()).isEqualTo(columns.get(i));
            }
        }
    }

    private static void refused(String json, String message) {
        assertThatThrownBy(() -> ReceiptCodec.fromJson(json.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }
}
