/// What one process of all on a database does at a time: leases with an epoch that fences off whoever lost one.
///
/// Starting point: [DatabaseLease].
@NullMarked
package org.openlora.meter.lease;

import org.jspecify.annotations.NullMarked;
