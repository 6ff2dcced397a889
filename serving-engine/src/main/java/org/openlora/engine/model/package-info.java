/// The decoder's forward pass over a mixed batch: base weights for every row, each row's own adapters on top.
///
/// Starting points: [CausalLm], [LlamaModel], [ForwardBatch].
@NullMarked
package org.openlora.engine.model;

import org.jspecify.annotations.NullMarked;
