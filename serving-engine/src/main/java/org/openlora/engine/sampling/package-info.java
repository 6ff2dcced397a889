/// Turns logits into the next token: greedy, or sampled reproducibly from a seed.
///
/// Starting points: [SamplingParams] is what a request asks for, [SamplingState] what the sampler keeps of one
/// response, [Sampler] draws.
@NullMarked
package org.openlora.engine.sampling;

import org.jspecify.annotations.NullMarked;
