package org.openlora.meter.trace;

import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.TokenIds;

/// The kept tokens of one request.
///
/// @param replay how the answer was drawn, as the JSON that was given when it was committed
/// @param keepUntilMillis when they are erased, milliseconds since the epoch
public record Trace(
        String source, Bytes32 requestId, TokenIds prompt, TokenIds output, String replay, long keepUntilMillis) {}
