package org.openlora.adapters.registry;

/// How much there is in a registry, of all tenants.
///
/// @param folders under the root that are served
/// @param failed folders that cannot be served
/// @param registered names that tenants registered
public record RegistryStats(int folders, int failed, int registered) {
    /// Names that are served.
    public int ready() {
        return folders + registered;
    }
}
