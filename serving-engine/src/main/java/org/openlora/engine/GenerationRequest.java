package org.openlora.engine;

import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.openlora.adapters.Digest;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.engine.scheduler.AdapterSelection;
import org.openlora.meter.evm.Bytes32;

/// One prompt to be answered, once or several times.
///
/// @param requestId names the request everywhere, also in its receipt; unique
/// @param prompt token ids, at least one
/// @param adapters what to apply on the base, none for the bare base; no adapter twice
/// @param params how to sample and when to stop
/// @param deadline when an unfinished response is of no more use
/// @param billTo who is charged
/// @param salt random, for the hashes of prompt and answer in the receipt; the caller gets it back, nobody else
///     does
/// @param choices how many answers to draw, from 1 to [#MOST_CHOICES]; they share the prompt's keys and values
/// @param priority lower runs earlier among the requests of one tenant
/// @param cacheSalt requests find each other's cached prefixes only where this and their adapters agree
@SuppressWarnings("ArrayRecordComponent") // Copied on the way in; never compared.
public record GenerationRequest(
        String requestId,
        int[] prompt,
        List<AdapterSelection> adapters,
        SamplingParams params,
        Instant deadline,
        BillTo billTo,
        Bytes32 salt,
        int choices,
        int priority,
        Bytes32 cacheSalt) {
    /// Most answers to one prompt.
    public static final int MOST_CHOICES = 128;

    public GenerationRequest {
        if (requestId.isBlank()) {
            throw new IllegalArgumentException("the request id is blank");
        }
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens: at least one is needed");
        }
        if (choices < 1 || choices > MOST_CHOICES) {
            throw new IllegalArgumentException("n is " + choices + ": allowed is 1 to " + MOST_CHOICES);
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

    /// One answer, at the common priority, whose prefixes are shared within the account that is charged.
    public GenerationRequest(
            String requestId,
            int[] prompt,
            List<AdapterSelection> adapters,
            SamplingParams params,
            Instant deadline,
            BillTo billTo,
            Bytes32 salt) {
        this(requestId, prompt, adapters, params, deadline, billTo, salt, 1, 0, billTo.account());
    }

    /// The same request for that many answers.
    public GenerationRequest withChoices(int count) {
        return new GenerationRequest(
                requestId, prompt, adapters, params, deadline, billTo, salt, count, priority, cacheSalt);
    }

    /// The same request at another priority.
    public GenerationRequest withPriority(int other) {
        return new GenerationRequest(
                requestId, prompt, adapters, params, deadline, billTo, salt, choices, other, cacheSalt);
    }

    /// The same request under another cache salt.
    public GenerationRequest withCacheSalt(Bytes32 other) {
        return new GenerationRequest(
                requestId, prompt, adapters, params, deadline, billTo, salt, choices, priority, other);
    }

    Set<Digest> adapterDigests() {
        Set<Digest> digests = new HashSet<>();
        adapters.forEach(adapter -> digests.add(adapter.digest()));
        return digests;
    }
}
