package org.openlora.meter;

import java.sql.Connection;
import java.sql.SQLException;
import org.openlora.meter.ledger.ReceiptListener;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.trace.TraceStore;

/// Keeps the tokens of a row in the transaction that makes its receipt, where that was ordered. A ledger in which
/// nobody
/// ever ordered it is not asked.
final class TraceKeeper implements ReceiptListener {
    private final ReceiptListener next;
    private volatile boolean ordered = true;

    TraceKeeper(ReceiptListener next) {
        this.next = next;
    }

    /// Whether rows that wait for their receipts may have orders.
    void expect(boolean orders) {
        ordered = orders;
    }

    @Override
    public void recorded(Connection connection, StoredUsage usage, SignedReceipt receipt) throws SQLException {
        if (ordered) {
            TraceStore.keep(connection, usage.row());
        }
        next.recorded(connection, usage, receipt);
    }
}
