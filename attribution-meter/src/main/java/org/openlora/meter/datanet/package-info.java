/// Datanets: rows of text, each by a named contributor, whose digest a lineage names.
///
/// Starting points: [Datanet#read], [DatanetRegistry].
@NullMarked
package org.openlora.meter.datanet;

import org.jspecify.annotations.NullMarked;
