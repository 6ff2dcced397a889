package org.openlora.server.quickstart;

import java.util.List;

/// One answer as it came over the wire.
///
/// @param requestId by which its receipt is found
/// @param adapterDigest empty for the bare base
/// @param tokenIds all of them, an end token too
record Answer(QuickstartPlan.Item item, String requestId, String adapterDigest, String text, List<Integer> tokenIds) {
    Answer {
        tokenIds = List.copyOf(tokenIds);
    }
}
