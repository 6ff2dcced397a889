/// The quickstart: a mixed batch served, attributed, sealed, anchored and verified, and shown on a terminal.
///
/// Starting points: [org.openlora.server.quickstart.Quickstart].
@NullMarked
package org.openlora.server.quickstart;

import org.jspecify.annotations.NullMarked;
