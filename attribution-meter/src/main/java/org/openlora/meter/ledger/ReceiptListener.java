package org.openlora.meter.ledger;

import java.sql.Connection;
import java.sql.SQLException;
import org.openlora.meter.receipt.SignedReceipt;

/// Writes what belongs to a receipt in the transaction that makes it: both are there or neither.
@FunctionalInterface
public interface ReceiptListener {
    /// Nothing besides the receipt.
    ReceiptListener NONE = (connection, usage, receipt) -> {};

    /// A usage row has become a receipt. Runs again where the transaction does, so it changes nothing but the
    /// database, and speaks to it by this connection alone.
    void recorded(Connection connection, StoredUsage usage, SignedReceipt receipt) throws SQLException;
}
