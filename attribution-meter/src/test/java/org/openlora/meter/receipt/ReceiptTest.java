package org.openlora.meter.receipt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evm.Bytes32;

class ReceiptTest {
    private static final Receipt VALID = ReceiptFixtures.receipt(
            new Random(4), ReceiptFixtures.word(new Random(5)), 3, ReceiptFixtures.word(new Random(6)));

    @Test
    void constructor_brokenRule_refusedNamingTheMember() {
        refused(json -> json.put("price", Long.toString(VALID.price() + 1)), "payments sum to");
        refused(json -> json.put("price", Long.toString(VALID.price() - 1)), "payments exceed the price");
        refused(json -> json.put("price", "-1"), "receipt.price");
        refused(json -> json.put("seq", "0"), "seq begins at 1");
        refused(json -> json.put("seq", "1"), "prevReceipt of seq 1 must be zero");
        refused(json -> json.put("prevReceipt", Bytes32.ZERO.toString()), "prevReceipt of seq 3");
        refused(json -> json.put("kind", 4), "receipt kind 4: allowed are");
        refused(json -> json.put("kind", 1).put("ref", VALID.stream().toString()), "ref of a usage receipt");
        refused(json -> json.put("kind", 2).put("ref", Bytes32.ZERO.toString()), "ref of a credit");
        refused(json -> json.put("stream", Bytes32.ZERO.toString()), "stream must not be zero");
        refused(json -> json.put("requestId", Bytes32.ZERO.toString()), "requestId must not be zero");
        refused(json -> json.put("servedTo", "1"), "is after servedTo");
        refused(json -> json.put("includeBy", Long.toString(VALID.servedTo() - 1)), "is before servedTo");
        refused(json -> json.put("cachedTokens", 1001), "cachedTokens 1001 exceed promptTokens 1000");
        for (String count : new String[] {"promptTokens", "cachedTokens", "generatedTokens", "discardedTokens"}) {
            refused(json -> json.put(count, -1), count + " must not be negative");
        }
        refused(json -> swapFirstTwo(json.withArray("adapters")), "adapters must ascend");
        refused(json -> swapFirstTwo(json.withArray("payments")), "payments must ascend");
        refused(json -> repeatFirst(json.withArray("adapters")), "adapters must ascend");
        refused(json -> ((ObjectNode) json.withArray("adapters").get(0)).put("tokens", -1), "tokens of adapter");
        refused(json -> ((ObjectNode) json.withArray("payments").get(0)).put("role", 8), "payment role 8: allowed are");
    }

    @Test
    void payments_sumBeyondLong_refusedWithoutOverflow() {
        Receipt valid = ReceiptVectors.read().receipts().get(3); // its price is the greatest long
        assertThat(valid.price()).isEqualTo(Long.MAX_VALUE);
        ObjectNode json = tree(valid);
        ((ArrayNode) json.get("payments"))
                .addObject()
                .put("payee", VALID.payer().toString())
                .put("role", 7)
                .put("source", Bytes32.ZERO.toString())
                .put("amount", "1");
        assertThatThrownBy(() -> ReceiptCodec.fromJson(JsonMembers.canonical(json)))
                .hasMessageContaining("payments exceed the price");
    }

    @Test
    void lists_changedByTheCaller_receiptStaysAsItWas() {
        var adapters = new java.util.ArrayList<>(VALID.adapters());
        Receipt receipt = new Receipt(
                VALID.stream(),
                VALID.seq(),
                VALID.prevReceipt(),
                VALID.kind(),
                VALID.ref(),
                VALID.requestId(),
                VALID.account(),
                VALID.payer(),
                VALID.servedFrom(),
                VALID.servedTo(),
                VALID.includeBy(),
                VALID.baseDigest(),
                VALID.tokenizerDigest(),
                VALID.numericPath(),
                adapters,
                VALID.promptTokens(),
                VALID.cachedTokens(),
                VALID.generatedTokens(),
                VALID.discardedTokens(),
                VALID.promptHash(),
                VALID.outputHash(),
                VALID.scorer(),
                VALID.corpusRoots(),
                VALID.attribution(),
                VALID.priceBook(),
                VALID.price(),
                VALID.payments());
        adapters.clear();
        assertThat(receipt).isEqualTo(VALID);
    }

    private static void refused(Consumer<ObjectNode> change, String message) {
        ObjectNode json = tree(VALID);
        change.accept(json);
        assertThatThrownBy(() -> ReceiptCodec.fromJson(JsonMembers.canonical(json)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }

    private static ObjectNode tree(Receipt receipt) {
        try {
            return (ObjectNode) JsonMembers.MAPPER.readTree(ReceiptCodec.toJson(receipt));
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void swapFirstTwo(ArrayNode array) {
        array.insert(0, array.remove(1));
    }

    private static void repeatFirst(ArrayNode array) {
        array.insert(0, array.get(0).deepCopy());
    }
}
