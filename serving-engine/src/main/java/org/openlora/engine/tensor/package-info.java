/// The torch seam: which kernel multiplies by the base's weights, and libtorch's C ABI where it is that one. No
/// other package of the engine links to native code.
///
/// Starting points: [org.openlora.engine.tensor.LinearKernels], [org.openlora.engine.tensor.LibtorchKernel].
@NullMarked
package org.openlora.engine.tensor;

import org.jspecify.annotations.NullMarked;
