/// Who contributed to which generated token: exact-span evidence, the prior, and the record that anyone can
/// recompute.
///
/// Starting points: [Scorer], [SpanEvidence], [AttributionRecord].
@NullMarked
package org.openlora.meter.evidence;

import org.jspecify.annotations.NullMarked;
