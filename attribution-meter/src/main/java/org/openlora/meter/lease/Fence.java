package org.openlora.meter.lease;

import java.sql.Connection;
import java.sql.SQLException;

/// Stands before a change that only the holder of a lease may make, within the change's own transaction: a process
/// that was paused and wakes up late changes nothing any more.
@FunctionalInterface
public interface Fence {
    /// For what needs no lease.
    Fence OPEN = _ -> {};

    /// @throws LeaseLostException where the lease has gone to another holder or has run out
    void require(Connection connection) throws SQLException;
}
