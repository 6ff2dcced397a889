package org.openlora.meter.accounting.reconciliation;

import java.util.Optional;
import org.openlora.meter.chain.BatchHeader;

/// A batch's row, and the header that the ledger's receipts make.
///
/// @param header empty where a break among its receipts makes rebuilding pointless
/// @param dueMillis when it must be on the chain
record RebuiltBatch(StoredBatch row, Optional<BatchHeader> header, long dueMillis) {}
