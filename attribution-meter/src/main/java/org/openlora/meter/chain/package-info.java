/// The ledger contract and the way to it: JSON-RPC, transactions, deployment, and the flusher that brings sealed
/// batches on chain exactly once.
///
/// Starting points: [BatchHeader], [LedgerContract], [LedgerDeployer], [BatchFlusher], [LocalChain].
@NullMarked
package org.openlora.meter.chain;

import org.jspecify.annotations.NullMarked;
