/// Decides which sequences advance in a step, and by how many tokens: continuous batching with chunked prefill.
///
/// Starting points: [Scheduler], [Sequence], [ScheduledStep].
@NullMarked
package org.openlora.engine.scheduler;

import org.jspecify.annotations.NullMarked;
