package org.openlora.engine;

import java.util.Set;
import org.openlora.adapters.Digest;
import org.openlora.engine.scheduler.SchedulerConfig;

/// @param scheduler bounds of one step
/// @param maxQueuedRequests most answers that wait or run; more are refused as overloaded
/// @param maxAdapters most adapters of one request
/// @param endTokenIds tokens that end a response, as the model was trained
/// @param base the base model, which cached prefixes depend on
public record EngineConfig(
        SchedulerConfig scheduler, int maxQueuedRequests, int maxAdapters, Set<Integer> endTokenIds, Digest base) {
    public EngineConfig {
        if (maxQueuedRequests < 1) {
            throw new IllegalArgumentException("max_queued_requests is " + maxQueuedRequests + ": at least 1");
        }
        if (maxAdapters < 1) {
            throw new IllegalArgumentException("max_adapters is " + maxAdapters + ": at least 1");
        }
        endTokenIds = Set.copyOf(endTokenIds);
    }
}
