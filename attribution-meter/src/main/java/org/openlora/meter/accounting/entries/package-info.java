/// The receipts of a ledger as an accountant reads them: one entry per receipt of every stream, in order, booked to
/// a calendar month.
///
/// Starting points: [LedgerEntries], [LedgerEntry], [Booking].
@NullMarked
package org.openlora.meter.accounting.entries;

import org.jspecify.annotations.NullMarked;
