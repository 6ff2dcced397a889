/// Payouts as an operator makes them: what was anchored becomes a round, the round is posted, payees are paid.
///
/// Starting point: [org.openlora.server.payouts.PayoutDesk].
@NullMarked
package org.openlora.server.payouts;

import org.jspecify.annotations.NullMarked;
