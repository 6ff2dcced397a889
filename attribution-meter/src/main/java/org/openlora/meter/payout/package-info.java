/// What the ledger's receipts earn their payees, paid in a token: rounds of cumulative sums, the Merkle tree of a
/// round, and the contracts that hold the money.
///
/// A round is a function of the anchored batches and of the round before: [PayoutPlanner] makes it, [PayoutRound]
/// is the document that everybody can check, [PayoutBook] keeps it, [PayoutPoster] brings it to the contract
/// exactly once.
///
/// Starting points: [PayoutRound], [PayoutPlanner], [PayoutPool].
@NullMarked
package org.openlora.meter.payout;

import org.jspecify.annotations.NullMarked;
