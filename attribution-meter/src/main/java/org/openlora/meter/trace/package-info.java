/// The opt-in trace store: token ids of requests whose tenants let them be kept, for audits and disputes, until their
/// time is over. Receipts need none of it.
///
/// Starting point: [TraceStore].
@NullMarked
package org.openlora.meter.trace;

import org.jspecify.annotations.NullMarked;
