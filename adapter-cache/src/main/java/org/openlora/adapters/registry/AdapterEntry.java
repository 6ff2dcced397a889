package org.openlora.adapters.registry;

import org.openlora.adapters.AdapterException;

/// A name in the registry, and whether it is served.
public sealed interface AdapterEntry {
    String name();

    /// Sound, and served.
    record Ready(AdapterVersion version) implements AdapterEntry {
        @Override
        public String name() {
            return version.name();
        }
    }

    /// A folder that is not served, and why. Requests for it get that reason.
    record Failed(String name, AdapterException reason) implements AdapterEntry {}
}
