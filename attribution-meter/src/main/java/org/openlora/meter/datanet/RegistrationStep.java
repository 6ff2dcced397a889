package org.openlora.meter.datanet;

/// Points of a registration between which the machine may stop.
public enum RegistrationStep {
    /// The rows are written beside their place.
    ROWS_WRITTEN,
    /// The rows are in their place, and on the disk.
    ROWS_PUBLISHED,
    /// Everything is in the transaction, which is not committed.
    BEFORE_COMMIT,
    /// The registry knows it.
    COMMITTED;

    /// Is told when a step was reached. Throws nothing but to stop the registration there.
    @FunctionalInterface
    public interface Observer {
        void reached(RegistrationStep step);
    }
}
