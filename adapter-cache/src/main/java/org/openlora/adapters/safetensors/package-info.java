/// Reading of safetensors files and sharded checkpoints: mapped, every byte of the header checked before any
/// tensor is used.
///
/// Starting points:
/// - [org.openlora.adapters.safetensors.SafetensorsFile]: one file.
/// - [org.openlora.adapters.safetensors.SafetensorsCheckpoint]: one file, or the shards that an index names.
@NullMarked
package org.openlora.adapters.safetensors;

import org.jspecify.annotations.NullMarked;
