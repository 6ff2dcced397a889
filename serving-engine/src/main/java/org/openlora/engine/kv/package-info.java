/// The paged key/value cache: which blocks of 16 tokens belong to which sequence.
///
/// Starting points: [BlockManager], [BlockTable].
@NullMarked
package org.openlora.engine.kv;

import org.jspecify.annotations.NullMarked;
