package org.openlora.adapters.registry;

/// The points of the registry's work that a test may want to see or to stop at.
enum RegistryStep {
    /// All weights of a folder are about to be read and digested.
    CONTENT_READ,
    /// The database is about to be asked something.
    QUERY,
    /// Changes are written, and not yet durable.
    BEFORE_COMMIT,
    /// Changes are durable, and not yet visible to look-ups.
    COMMITTED;

    /// Is told of each step, on the thread that takes it.
    @FunctionalInterface
    interface Observer {
        void reached(RegistryStep step);
    }
}
