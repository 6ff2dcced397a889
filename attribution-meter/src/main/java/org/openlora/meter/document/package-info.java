/// Strict reading of documents that people write, and the hashes that name them.
///
/// Starting points: [YamlNode], [Sha256], [CanonicalJson].
@NullMarked
package org.openlora.meter.document;

import org.jspecify.annotations.NullMarked;
