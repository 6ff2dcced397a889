/// The kernels that make batches of different LoRA adapters fast, and plain references to test them by.
///
/// Activations are `float[]`, row-major; weights are bf16 in memory segments. Every kernel is batch-invariant:
/// the bits of a row never depend on other rows, on the number of rows or threads, or on how a prompt was cut.
///
/// Starting points:
/// - [LinearKernel], [PanelKernel] and [DotKernel]: dense layers
/// - [LoraKernel], [LoraModule], [LoraBatch]: low-rank updates of many adapters
/// - [PagedAttention], [KvPages]: attention over a paged cache
/// - [Elementwise], [Rope]: what stands between them
/// - [ReferenceKernels]: all of it in plain loops
@NullMarked
package org.openlora.kernels;

import org.jspecify.annotations.NullMarked;
