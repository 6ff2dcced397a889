/// The command line.
///
/// Starting points: [org.openlora.server.cli.OpenLora].
@NullMarked
package org.openlora.server.cli;

import org.jspecify.annotations.NullMarked;
