package org.openlora.adapters.peft;

import java.lang.foreign.MemorySegment;

/// Takes an adapter's tensors as they are read, each once, digested and found finite.
interface TensorVisitor {
    /// Looks at nothing.
    TensorVisitor NONE = new TensorVisitor() {
        @Override
        public void accept(String tensor, float[] values) {}

        @Override
        public void acceptSaved(SavedModule module, MemorySegment bf16) {}
    };

    /// A tensor of a low-rank pair.
    void accept(String tensor, float[] values);

    /// The matrix of a module that is brought whole, row-major; not to be kept.
    void acceptSaved(SavedModule module, MemorySegment bf16);
}
