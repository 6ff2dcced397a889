package org.openlora.adapters.registry;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Set;
import org.openlora.adapters.BaseWeights;

/// What a registry is opened with.
///
/// @param root folder of adapters
/// @param state folder of the registry's own files, made where there is none
/// @param reservedNames that no adapter may have, such as the base's
/// @param readers folders read at once when the registry is opened; while it is open, one
/// @param rescanInterval between two looks at all folders; zero for none but those asked for
/// @param fetchLimit that fetching a registered adapter again may take, where the store had to put it out
public record RegistryOptions(
        Path root,
        Path state,
        BaseWeights base,
        Set<String> reservedNames,
        int readers,
        Duration rescanInterval,
        Duration fetchLimit,
        InstantSource clock) {
    public RegistryOptions {
        reservedNames = Set.copyOf(reservedNames);
        if (readers < 1) {
            throw new IllegalArgumentException("readers is " + readers + ", allowed is 1 or more");
        }
        if (rescanInterval.isNegative()) {
            throw new IllegalArgumentException("rescanInterval is " + rescanInterval + ", allowed is zero or more");
        }
    }
}
