package org.openlora.engine.tensor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.kernels.Int8PanelKernel;
import org.openlora.kernels.Lanes;
import org.openlora.kernels.LinearKernel;

/// What decides the bits of a result besides its inputs: the kernel of the dense layers and the vector width of
/// the others, with KV pages in bf16. One per process; receipts name its digest, so that an audit can run the same
/// again.
///
/// @param family the dense kernel's name
/// @param lanes float32 numbers in a vector of our own kernels
/// @param weights the format of the base's matrices: `bf16`, or the scheme that quantised them
public record NumericPath(String family, int lanes, String weights) {
    private static final String BF16 = "bf16";
    private static final String DOMAIN = "openlora/numeric-path/v1";

    public NumericPath {
        if (family.isBlank() || lanes < 1 || weights.isBlank()) {
            throw new IllegalArgumentException("a numeric path needs a family, at least one lane and a weight format");
        }
    }

    /// The path of this process, whose dense layers the kernel computes.
    public static NumericPath of(LinearKernel kernel) {
        String weights = kernel instanceof Int8PanelKernel ? Int8PanelKernel.SCHEME : BF16;
        return new NumericPath(kernel.id(), Lanes.bits() / Float.SIZE, weights);
    }

    /// The 32 bytes in a receipt (docs/formats.md).
    public Digest digest() {
        return new DigestBuilder(DOMAIN)
                .lpJcs(JsonNodeFactory.instance
                        .objectNode()
                        .put("family", family)
                        .put("kv", BF16)
                        .put("lanes", lanes)
                        .put("weights", weights))
                .finish();
    }
}
