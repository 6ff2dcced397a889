package org.openlora.engine.tensor;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.kernels.Lanes;
import org.openlora.kernels.LinearKernel;

/// What decides the bits of a result besides its inputs: the kernel of the dense layers and the vector width of
/// the others, with weights and KV pages in bf16. One per process; receipts name its digest, so that an audit can
/// run the same again.
///
/// @param family the dense kernel's name
/// @param lanes float32 numbers in a vector of our own kernels
public record NumericPath(String family, int lanes) {
    private static final String DOMAIN = "openlora/numeric-path/v1";

    public NumericPath {
        if (family.isBlank() || lanes < 1) {
            throw new IllegalArgumentException("a numeric path needs a family and at least one lane");
        }
    }

    /// The path of this process, whose dense layers the kernel computes.
    public static NumericPath of(LinearKernel kernel) {
        return new NumericPath(kernel.id(), Lanes.bits() / Float.SIZE);
    }

    /// The 32 bytes in a receipt (docs/formats.md).
    public Digest digest() {
        return new DigestBuilder(DOMAIN)
                .lpJcs(JsonNodeFactory.instance
                        .objectNode()
                        .put("family", family)
                        .put("kv", "bf16")
                        .put("lanes", lanes)
                        .put("weights", "bf16"))
                .finish();
    }
}
