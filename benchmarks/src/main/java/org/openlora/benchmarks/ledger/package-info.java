/// How many signed receipts a second a ledger takes, and where the time goes.
///
/// Starting points: [org.openlora.benchmarks.ledger.LedgerBenchmark].
@NullMarked
package org.openlora.benchmarks.ledger;

import org.jspecify.annotations.NullMarked;
