package org.openlora.kernels;

/// The weights of one linear layer in the layout of the [LinearKernel] that packed them; only that kernel reads
/// them.
public interface PackedMatrix {
    /// Rows of the weight matrix.
    int outputs();

    /// Columns of the weight matrix.
    int inputs();

    /// Bytes held, padding included.
    long sizeBytes();
}
