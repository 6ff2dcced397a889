package org.openlora.engine.scheduler;

import org.jspecify.annotations.Nullable;
import org.openlora.adapters.AdapterManifest;
import org.openlora.adapters.Digest;

/// One adapter of a request and how strongly it is applied.
///
/// @param digest the adapter version, by content
/// @param scalePpm factor on the adapter's own scaling, in signed parts per million (1,000,000 applies it as
///     trained)
/// @param manifest what its owner said of it when the request was admitted, null if nothing: a manifest may
///     change while the request runs, but not for it
public record AdapterSelection(
        Digest digest, int scalePpm, @Nullable AdapterManifest manifest) {
    /// The scale of an adapter applied as trained.
    public static final int UNIT_SCALE_PPM = 1_000_000;

    private static final int LARGEST_SCALE_PPM = 100 * UNIT_SCALE_PPM;

    public AdapterSelection {
        if (scalePpm < -LARGEST_SCALE_PPM || scalePpm > LARGEST_SCALE_PPM) {
            throw new IllegalArgumentException(
                    "adapter scale is " + scalePpm / (double) UNIT_SCALE_PPM + ": allowed is -100 to 100");
        }
    }

    /// The adapter as trained, of no stated origin.
    public static AdapterSelection of(Digest digest) {
        return new AdapterSelection(digest, UNIT_SCALE_PPM, null);
    }

    public float scale() {
        return (float) (scalePpm / (double) UNIT_SCALE_PPM);
    }
}
