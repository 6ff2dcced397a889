/// The model catalogue: names, where their files come from, and the local store that keeps them verified.
///
/// Starting points: [org.openlora.server.catalog.ModelCatalog], [org.openlora.server.catalog.ModelStore].
@NullMarked
package org.openlora.server.catalog;

import org.jspecify.annotations.NullMarked;
