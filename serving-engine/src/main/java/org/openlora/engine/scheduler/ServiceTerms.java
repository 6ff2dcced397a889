package org.openlora.engine.scheduler;

import java.time.Instant;
import org.openlora.meter.evm.Bytes32;

/// What a sequence's turn depends on, besides what is computed for it.
///
/// @param tenant whose fair share it takes from
/// @param priority lower runs earlier among the tenant's own
/// @param deadline of equal claims, the earlier one goes first
public record ServiceTerms(Bytes32 tenant, int priority, Instant deadline) {}
