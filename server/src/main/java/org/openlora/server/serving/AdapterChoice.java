package org.openlora.server.serving;

import org.openlora.adapters.Digest;

/// An adapter as a client asks for it.
public sealed interface AdapterChoice {
    /// Factor on the adapter's own scaling, signed parts per million.
    int scalePpm();

    /// By the name under which it is listed.
    record ByName(String name, int scalePpm) implements AdapterChoice {}

    /// By content.
    record ByDigest(Digest digest, int scalePpm) implements AdapterChoice {}

    /// The scale in parts per million, rounded to nearest; half a millionth and less is nothing.
    ///
    /// @throws IllegalArgumentException if it is no number or beyond ±100
    static int scalePpm(double scale) {
        if (!(Math.abs(scale) <= 100)) {
            throw new IllegalArgumentException("adapter scale is " + scale + ": allowed is -100 to 100");
        }
        return (int) Math.round(scale * 1_000_000);
    }
}
