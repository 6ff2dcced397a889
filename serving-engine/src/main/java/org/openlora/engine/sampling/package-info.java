/// Turns logits into the next token: greedy, or sampled reproducibly from a seed.
///
/// Starting points: [SamplingParams], [Sampler].
@NullMarked
package org.openlora.engine.sampling;

import org.jspecify.annotations.NullMarked;
