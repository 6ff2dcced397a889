/// The engine loop: one thread that owns scheduler, key/value blocks and model, and everything that crosses its
/// border.
///
/// Starting points: [LoraEngine], [GenerationRequest], [GenerationEvent], [UsageSink].
@NullMarked
package org.openlora.engine;

import org.jspecify.annotations.NullMarked;
