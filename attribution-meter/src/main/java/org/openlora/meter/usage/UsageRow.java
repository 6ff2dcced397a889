package org.openlora.meter.usage;

import java.util.List;
import java.util.regex.Pattern;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// One finished (or cancelled) request as the engine counted it.
///
/// @param requestId random, never used twice by one source
/// @param source the engine node that served it; request ids are unique within a source, for ever
/// @param account salted hash of the tenant
/// @param payer the tenant's EVM account, from configuration
/// @param servedFromMillis admission, milliseconds since the epoch
/// @param servedToMillis last token, milliseconds since the epoch
/// @param adapters strictly ascending by digest; empty for the bare base
/// @param prompt ids of the whole prompt as the model read it, chat template included
/// @param output every sampled id, the one that ended the response (EOS) too
/// @param cachedTokens prompt tokens that came from the prefix cache
/// @param discardedTokens tokens computed again because a preemption gave up their keys and values
/// @param requestSalt random; makes the hashes of prompt and output unguessable
/// @param versions what will score it
public record UsageRow(
        Bytes32 requestId,
        String source,
        Bytes32 account,
        Address payer,
        long servedFromMillis,
        long servedToMillis,
        Bytes32 baseDigest,
        Bytes32 tokenizerDigest,
        Bytes32 numericPath,
        List<AdapterUsage> adapters,
        TokenIds prompt,
        TokenIds output,
        int cachedTokens,
        int discardedTokens,
        Bytes32 requestSalt,
        ScoringVersions versions) {
    private static final Pattern SOURCE = Pattern.compile("[!-~]{1,200}");

    public UsageRow {
        adapters = List.copyOf(adapters);
        require(!requestId.isZero(), "requestId must not be zero");
        require(SOURCE.matcher(source).matches(), "source must be 1 to 200 visible ASCII characters");
        require(servedFromMillis >= 0, "servedFromMillis must not be negative: " + servedFromMillis);
        require(
                servedFromMillis <= servedToMillis,
                "servedFromMillis " + servedFromMillis + " is after servedToMillis " + servedToMillis);
        require(
                cachedTokens >= 0 && cachedTokens <= prompt.size(),
                "cachedTokens must be from 0 to the prompt's " + prompt.size() + ", not " + cachedTokens);
        require(discardedTokens >= 0, "discardedTokens must not be negative: " + discardedTokens);
        for (int i = 1; i < adapters.size(); i++) {
            Bytes32 before = adapters.get(i - 1).use().digest();
            Bytes32 here = adapters.get(i).use().digest();
            require(before.compareTo(here) < 0, "adapters must ascend by digest without repetition: " + here);
        }
        for (AdapterUsage adapter : adapters) {
            require(
                    adapter.use().tokens() <= output.size() + discardedTokens,
                    "adapter " + adapter.use().digest() + " served "
                            + adapter.use().tokens() + " tokens, the request only "
                            + (output.size() + discardedTokens));
        }
    }

    /// The same row with these tokens.
    ///
    /// @throws IllegalArgumentException where they cannot be this row's
    public UsageRow withTokens(TokenIds otherPrompt, TokenIds otherOutput) {
        return new UsageRow(
                requestId,
                source,
                account,
                payer,
                servedFromMillis,
                servedToMillis,
                baseDigest,
                tokenizerDigest,
                numericPath,
                adapters,
                otherPrompt,
                otherOutput,
                cachedTokens,
                discardedTokens,
                requestSalt,
                versions);
    }

    private static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException("usage row: " + message);
        }
    }
}
