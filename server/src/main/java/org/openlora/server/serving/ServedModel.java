package org.openlora.server.serving;

import org.openlora.adapters.Digest;

/// The base model that is served.
///
/// @param name the one it is served under, else its catalogue name, or the folder's or file's own
/// @param contextLength tokens of a prompt and its answer together
/// @param numericPath id of this process's numeric path
public record ServedModel(
        String name,
        String architecture,
        Digest baseDigest,
        Digest tokenizerDigest,
        int contextLength,
        String numericPath) {}
