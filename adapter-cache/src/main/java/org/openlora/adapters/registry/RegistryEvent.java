package org.openlora.adapters.registry;

import org.openlora.adapters.AdapterException;

/// A change of a name, as told to [AdapterRegistry#watch].
public sealed interface RegistryEvent {
    String name();

    /// The name is new, or stands for another version, or is served again.
    record Registered(AdapterVersion version) implements RegistryEvent {
        @Override
        public String name() {
            return version.name();
        }
    }

    /// The folder is not served any more, or cannot be from its beginning.
    record Failed(String name, AdapterException reason) implements RegistryEvent {}

    /// The name stands for nothing any more.
    record Removed(String name) implements RegistryEvent {}

    /// What has become of `entry`'s name.
    static RegistryEvent of(AdapterEntry entry) {
        return switch (entry) {
            case AdapterEntry.Ready(AdapterVersion version) -> new Registered(version);
            case AdapterEntry.Failed(String name, AdapterException reason) -> new Failed(name, reason);
        };
    }
}
