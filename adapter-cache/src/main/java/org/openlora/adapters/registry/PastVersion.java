package org.openlora.adapters.registry;

import java.time.Instant;
import org.openlora.adapters.Digest;

/// One line in the history of a name.
///
/// @param number counts from 1
/// @param manifestDigest [Digest#ZERO] where it had no manifest
/// @param registeredAt when the name began to stand for it
public record PastVersion(int number, Digest digest, Digest manifestDigest, Instant registeredAt) {}
