package org.openlora.server.adapters;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.openlora.adapters.Digest;

/// Who pins what: a content is pinned while one tenant pins it. Thread-safe.
final class Pins {
    private final Map<Digest, Set<String>> tenants = new HashMap<>();

    /// @return whether the tenant had not pinned it before
    synchronized boolean add(Digest content, String tenant) {
        return tenants.computeIfAbsent(content, _ -> new TreeSet<>()).add(tenant);
    }

    /// Takes a tenant's pin away, where there is one.
    ///
    /// @return whether that was the last
    synchronized boolean remove(Digest content, String tenant) {
        Set<String> pinning = tenants.get(content);
        if (pinning == null || !pinning.remove(tenant) || !pinning.isEmpty()) {
            return false;
        }
        tenants.remove(content);
        return true;
    }

    /// Takes everybody's pins away.
    ///
    /// @return whether there was one
    synchronized boolean removeAll(Digest content) {
        return tenants.remove(content) != null;
    }

    synchronized boolean contains(Digest content) {
        return tenants.containsKey(content);
    }
}
