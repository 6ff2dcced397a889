package org.openlora.meter.accounting.period;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// What a period of an account holds.
///
/// @param receipts how many count in it, corrections and adjustments included
/// @param adjustments how many of them were served in an earlier month that was closed before they came
/// @param grossPico sum of the prices of usage and debits
/// @param creditPico sum of the prices of credits
/// @param adjustmentPico what the adjustments come to, credits taken off; part of gross and credits
/// @param unsealed receipts that stand in no batch yet
/// @param priceBooks digests of the books that priced them, ascending
/// @param streams where they stand, ascending by stream
/// @param receiptsHash SHA-256 of `lp("openlora/period-receipts/v1")` and their struct hashes, by stream and number
public record PeriodTotals(
        AccountPeriod of,
        long receipts,
        long adjustments,
        BigInteger grossPico,
        BigInteger creditPico,
        BigInteger adjustmentPico,
        long promptTokens,
        long cachedTokens,
        long generatedTokens,
        long unsealed,
        List<Bytes32> priceBooks,
        List<StreamRange> streams,
        Bytes32 receiptsHash) {
    private static final JsonMapper JSON = new JsonMapper();

    /// A stream's part of a period.
    ///
    /// @param firstBatch of the batches that hold receipts of the period; 0 where none is sealed
    /// @param lastBatch the last of them
    public record StreamRange(Bytes32 stream, long firstSeq, long lastSeq, long firstBatch, long lastBatch) {}

    public PeriodTotals {
        priceBooks = List.copyOf(priceBooks);
        streams = List.copyOf(streams);
    }

    /// What is owed: gross less credits.
    public BigInteger netPico() {
        return grossPico.subtract(creditPico);
    }

    /// SHA-256 of `lp("openlora/period/v1") ‖ lp(JCS)`: what closing pins.
    public Bytes32 hash() {
        return Sha256.domain("openlora/period/v1")
                .prefixed(CanonicalJson.bytes(toJson()))
                .digest();
    }

    /// Canonical text of [#toJson].
    public String canonicalJson() {
        return new String(CanonicalJson.bytes(toJson()), StandardCharsets.UTF_8);
    }

    /// Amounts are decimal strings of pico-units.
    public ObjectNode toJson() {
        ObjectNode node = JSON.createObjectNode()
                .put("account", of.account().toString())
                .put("period", of.period().toString())
                .put("receipts", receipts)
                .put("adjustments", adjustments)
                .put("grossPico", grossPico.toString())
                .put("creditPico", creditPico.toString())
                .put("adjustmentPico", adjustmentPico.toString())
                .put("netPico", netPico().toString())
                .put("promptTokens", promptTokens)
                .put("cachedTokens", cachedTokens)
                .put("generatedTokens", generatedTokens)
                .put("unsealed", unsealed)
                .put("receiptsHash", Sha256.text(receiptsHash));
        ArrayNode books = node.putArray("priceBooks");
        priceBooks.forEach(book -> books.add(Sha256.text(book)));
        ArrayNode ranges = node.putArray("streams");
        for (StreamRange range : streams) {
            ranges.addObject()
                    .put("stream", range.stream().toString())
                    .put("firstSeq", range.firstSeq())
                    .put("lastSeq", range.lastSeq())
                    .put("firstBatch", range.firstBatch())
                    .put("lastBatch", range.lastBatch());
        }
        return node;
    }
}
