/// Disputes about receipts: put on record, decided by computing the receipt again, and settled by a correction or a
/// rejection that says why.
///
/// Starting points: [Disputes], [Verdict].
@NullMarked
package org.openlora.meter.dispute;

import org.jspecify.annotations.NullMarked;
