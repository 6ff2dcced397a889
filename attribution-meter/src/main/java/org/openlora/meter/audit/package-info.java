/// Receipts held against a second computation of all that they say: signature, place in the stream and in the batch,
/// evidence, price and payments, and the answer itself.
///
/// Starting points: [Auditor] for a ledger's receipts, [Recomputation] for one.
@NullMarked
package org.openlora.meter.audit;

import org.jspecify.annotations.NullMarked;
