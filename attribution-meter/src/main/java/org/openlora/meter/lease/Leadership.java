package org.openlora.meter.lease;

/// Whether this process may do what one process of all does.
@FunctionalInterface
public interface Leadership {
    /// For where there is no other process.
    Leadership ALONE = () -> {};

    /// Renews the right where that is due.
    ///
    /// @throws LeaseLostException where another process has it
    void require();
}
