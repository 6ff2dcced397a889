/// What one request used: the row that is made durable before its response ends.
///
/// Starting points: [UsageRow], [UsageCodec].
@NullMarked
package org.openlora.meter.usage;

import org.jspecify.annotations.NullMarked;
