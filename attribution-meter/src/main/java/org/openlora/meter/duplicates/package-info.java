/// Which rows are near-duplicates of earlier ones: shingles, MinHash signatures, bands, exact verification. A
/// pure function of the texts in the order of their registration.
///
/// Starting points: [NearDuplicates], [Shingles], [Signature].
@NullMarked
package org.openlora.meter.duplicates;

import org.jspecify.annotations.NullMarked;
