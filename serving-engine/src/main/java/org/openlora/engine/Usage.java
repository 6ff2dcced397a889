package org.openlora.engine;

import java.time.Instant;
import java.util.List;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.evm.Bytes32;

/// What one choice of a request took, as the steps that computed it counted it.
///
/// The prompt is computed once for all choices: those behind choice 0 found the whole of it computed.
///
/// @param choice which of the request's answers, from 0
/// @param adapters each with the generated tokens that its weights took part in: those whose steps were proven to have
///     read its weights, by the tag beside them in memory
/// @param outputTokens every sampled token, an end token too
/// @param cachedTokens prompt tokens that were found computed
/// @param discardedTokens tokens computed again after a preemption
/// @param params what the answer was drawn with
@SuppressWarnings("ArrayRecordComponent") // Written once by the engine; never compared.
public record Usage(
        String requestId,
        int choice,
        BillTo billTo,
        Bytes32 salt,
        Instant servedFrom,
        Instant servedTo,
        List<AdapterTokens> adapters,
        int[] promptTokens,
        int[] outputTokens,
        int cachedTokens,
        int discardedTokens,
        FinishReason finishReason,
        SamplingParams params) {
    public Usage {
        adapters = List.copyOf(adapters);
    }

    /// One adapter's part.
    public record AdapterTokens(AdapterSelection adapter, int tokens) {}

    public int generatedTokens() {
        return outputTokens.length;
    }
}
