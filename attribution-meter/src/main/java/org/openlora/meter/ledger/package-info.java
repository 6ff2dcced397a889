/// The durable ledger of one replica: usage rows, receipts, payments, batches and the flusher's journal, in
/// SQLite.
///
/// Starting points: [Ledger], [LedgerJournal].
@NullMarked
package org.openlora.meter.ledger;

import org.jspecify.annotations.NullMarked;
