/// Where pieces of a token sequence occur verbatim in a corpus: suffix arrays, and the files that they are kept
/// in.
///
/// Starting points: [SuffixIndex], [IndexStore], [IndexFile].
@NullMarked
package org.openlora.meter.index;

import org.jspecify.annotations.NullMarked;
