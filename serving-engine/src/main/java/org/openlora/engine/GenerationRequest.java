package org.openlora.engine;

import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.evm.Bytes32;

/// One prompt to be answered.
///
/// @param requestId names the request everywhere, also in its receipt; unique
/// @param prompt token ids, at least one
/// @param adapters what to apply on the base, none for the bare base; no adapter twice
/// @param params how to sample and when to stop
/// @param deadline when an unfinished response is of no more use
/// @param billTo who is charged
/// @param salt random, for the hashes of prompt and answer in the receipt; the caller gets it back, nobody else
///     does
@SuppressWarnings("ArrayRecordComponent") // Copied on the way in; never compared.
public record GenerationRequest(
        String requestId,
        int[] prompt,
        List<AdapterSelection> adapters,
        SamplingParams params,
        Instant deadline,
        BillTo billTo,
        Bytes32 salt) {
    public GenerationRequest {
        if (requestId.isBlank()) {
            throw new IllegalArgumentException("the request id is blank");
        }
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens: at least one is needed");
        }
        prompt = prompt.clone();
        adapters = List.copyOf(adapters);
        Set<Digest> seen = new HashSet<>();
        for (AdapterSelection adapter : adapters) {
            if (!seen.add(adapter.digest())) {
                throw new IllegalArgumentException("adapter " + adapter.digest() + " is named twice");
            }
        }
    }

    Set<Digest> adapterDigests() {
        Set<Digest> digests = new HashSet<>();
        adapters.forEach(adapter -> digests.add(adapter.digest()));
        return digests;
    }
}
