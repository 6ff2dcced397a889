package org.openlora.server.quickstart;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the quickstart did, as `--json` writes it.
///
/// @param receipts how many were written
/// @param locallyVerified receipts whose signature, link and Merkle proof hold without a chain
/// @param batchRoot root of the sealed batch
/// @param txHash transaction that committed it; null where it was not anchored, or where another process sent it
/// @param proofVerified whether the contract found every receipt in the batch
/// @param anchored whether the batch stands on a chain
/// @param contract address of the ledger contract
/// @param pricePico what all requests cost, in pico-units
public record QuickstartReport(
        String model,
        String baseDigest,
        List<Request> requests,
        int receipts,
        int locallyVerified,
        long batchNumber,
        String batchRoot,
        @Nullable String txHash,
        boolean proofVerified,
        boolean anchored,
        long chainId,
        String contract,
        long pricePico,
        double seconds) {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    public QuickstartReport {
        requests = List.copyOf(requests);
    }

    /// One request and its answer.
    ///
    /// @param adapter null for the bare base
    /// @param tokens generated, as streamed and as in the receipt
    public record Request(
            @Nullable String adapter,
            @Nullable String adapterDigest,
            String prompt,
            String text,
            int tokens,
            String requestId,
            long pricePico,
            int evidenceTokens) {}

    /// One object, indented.
    public String toJson() {
        try {
            return JSON.writeValueAsString(this);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a report always has a JSON form", e);
        }
    }
}
