/// Holds a ledger against everything that should agree with it: usage, payments, attribution, price books, batches and
/// their files, the chain. What does not agree is a break with a name, a place, an age and a remedy.
///
/// Starting points: [Reconciliation], [Break], [BreakKind].
@NullMarked
package org.openlora.meter.accounting.reconciliation;

import org.jspecify.annotations.NullMarked;
