package org.openlora.adapters.registry;

import org.openlora.adapters.AdapterException;

/// A folder under the adapter root that claims to be an adapter.
public sealed interface AdapterEntry {
    String name();

    /// Sound, and served.
    record Ready(AdapterVersion version) implements AdapterEntry {
        @Override
        public String name() {
            return version.name();
        }
    }

    /// Not served, and why. Requests for it get that reason.
    record Failed(String name, AdapterException reason) implements AdapterEntry {}
}
