/// The kernels that make batches of different LoRA adapters fast, and plain references to test them by.
@NullMarked
package org.openlora.kernels;

import org.jspecify.annotations.NullMarked;
