package org.openlora.server.http;

import org.openlora.engine.GenerationEvent;
import org.openlora.server.serving.Admission;

/// The extra object `openlora` of a choice: what served it, and the operator's signed promise of a receipt.
final class Evidence {
    private Evidence() {}

    static void write(JsonBuffer out, Admission admission, GenerationEvent.Finished finished) {
        out.raw("{\"request_id\":").string(admission.requestId());
        out.raw(",\"base_digest\":").string(admission.baseDigest().toString());
        out.raw(",\"adapters\":[");
        String separator = "";
        for (Admission.ResolvedAdapter adapter : admission.adapters()) {
            out.raw(separator).raw("{");
            if (adapter.name() != null) {
                out.raw("\"name\":").string(adapter.name()).raw(",");
            }
            out.raw("\"digest\":").string(adapter.digest().toString());
            if (!adapter.manifestDigest().isZero()) {
                out.raw(",\"manifest_digest\":").string(adapter.manifestDigest().toString());
            }
            out.raw(",\"scale_ppm\":").integer(adapter.scalePpm()).raw("}");
            separator = ",";
        }
        out.raw("],\"salt\":").string(finished.usage().salt().toString());
        out.raw(",\"acknowledgement\":")
                .raw(finished.acknowledgement().toJson())
                .raw("}");
    }
}
