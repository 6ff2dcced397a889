package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigInteger;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptVectors;

class BatchHeaderTest {
    private static final ReceiptVectors VECTORS = ReceiptVectors.read();

    @Test
    void headerAndHead_ofVectors_equalThoseOfViem() {
        JsonNode expected = VECTORS.json().at("/batch/header");
        BatchHeader header = BatchHeader.of(
                7,
                OperatorIds.of(VECTORS.key().address(), VECTORS.word("/batch/salt")),
                VECTORS.receipts(),
                VECTORS.word("/root"),
                VECTORS.word("/batch/header/dataHash"),
                expected.get("dataURI").asText());
        assertThat(header.operatorId()).hasToString(expected.get("operatorId").asText());
        assertThat(header.firstSeq()).isEqualTo(expected.get("firstSeq").asLong());
        assertThat(header.lastSeq()).isEqualTo(expected.get("lastSeq").asLong());
        assertThat(header.fromTs()).isEqualTo(expected.get("fromTs").asLong());
        assertThat(header.toTs()).isEqualTo(expected.get("toTs").asLong());
        assertThat(header.gross())
                .isEqualTo(new BigInteger(expected.get("gross").asText()));
        assertThat(header.creditTotal())
                .isEqualTo(new BigInteger(expected.get("creditTotal").asText()));
        assertThat(header.promptTokens()).isEqualTo(expected.get("promptTokens").asLong());
        assertThat(header.generatedTokens())
                .isEqualTo(expected.get("generatedTokens").asLong());
        assertThat(header.priceBookHash())
                .hasToString(expected.get("priceBookHash").asText());
        assertThat(header.head(VECTORS.word("/batch/previousHead"))).isEqualTo(VECTORS.word("/batch/head"));
    }

    @Test
    void transaction_ofVectors_signedAsByViem() {
        JsonNode expected = VECTORS.json().get("transaction");
        Eip1559Transaction transaction = new Eip1559Transaction(
                VECTORS.domain().chainId(),
                expected.get("nonce").asLong(),
                new BigInteger(expected.get("maxPriorityFeeWei").asText()),
                new BigInteger(expected.get("maxFeeWei").asText()),
                expected.get("gasLimit").asLong(),
                VECTORS.domain().verifyingContract(),
                expected.get("data").asText());
        Eip1559Transaction.Signed signed = transaction.sign(VECTORS.key());
        assertThat(signed.raw()).isEqualTo(expected.get("raw").asText());
        assertThat(signed.hash()).hasToString(expected.get("hash").asText());
    }

    @Test
    void of_runWithGapOrTwoStreams_refused() {
        List<Receipt> run = ReceiptFixtures.run("one", 4);
        List<Receipt> gap = List.of(run.get(0), run.get(2));
        List<Receipt> mixed = List.of(run.get(0), ReceiptFixtures.run("two", 2).get(1));
        assertThatThrownBy(() -> header(gap)).hasMessageContaining("is seq 3").hasMessageContaining("expected seq 2");
        assertThatThrownBy(() -> header(mixed)).hasMessageContaining("of stream");
        assertThatThrownBy(() -> header(List.of())).hasMessageContaining("at least one receipt");
    }

    @Test
    void address_ofDeployment_dependsOnTheOwnerAlone() {
        Address owner = VECTORS.key().address();
        assertThat(LedgerDeployer.addressFor(owner)).isEqualTo(LedgerDeployer.addressFor(owner));
        assertThat(LedgerDeployer.addressFor(owner)).isNotEqualTo(LedgerDeployer.addressFor(Address.ZERO));
    }

    private static BatchHeader header(List<Receipt> receipts) {
        Bytes32 word = new Bytes32(1, 2, 3, 4);
        return BatchHeader.of(1, word, receipts, word, word, "");
    }
}
