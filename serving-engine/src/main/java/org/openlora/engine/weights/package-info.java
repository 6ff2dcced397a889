/// Reads a base model from disk: its configuration, its weights as bfloat16 under Hugging Face names, and its
/// identity.
///
/// Starting points: [org.openlora.engine.weights.BaseCheckpoint], [org.openlora.engine.weights.ModelConfig],
/// [org.openlora.engine.weights.GgufFile].
@NullMarked
package org.openlora.engine.weights;

import org.jspecify.annotations.NullMarked;
