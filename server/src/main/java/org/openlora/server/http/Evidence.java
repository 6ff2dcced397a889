package org.openlora.server.http;

import org.openlora.engine.GenerationEvent;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.server.serving.Admission;

/// The extra object `openlora` of a choice: at its end what served it, and the operator's signed promise of a receipt;
/// in a stream before that, first guesses at whose text it is, marked as provisional.
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

    static void writeProvisional(JsonBuffer out, ProvisionalSpan span) {
        out.raw("{\"provisional\":{\"start\":").integer(span.start());
        out.raw(",\"length\":").integer(span.length());
        out.raw(",\"rarity_bits\":").number(span.rarityBits());
        out.raw(",\"source_count\":").integer(span.sourceCount());
        out.raw(",\"sources\":[");
        String separator = "";
        for (ProvisionalSpan.Origin origin : span.origins()) {
            out.raw(separator).raw("{\"datanet\":").string(Sha256.text(origin.datanet()));
            out.raw(",\"contributor\":").string(origin.contributor().toString());
            out.raw(",\"row\":").integer(origin.row()).raw("}");
            separator = ",";
        }
        out.raw("]}}");
    }
}
