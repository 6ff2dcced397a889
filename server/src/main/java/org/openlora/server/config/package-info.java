/// Settings: read from YAML, merged over the shipped defaults, checked, and typed.
///
/// Starting points: [org.openlora.server.config.ServerConfig], [org.openlora.server.config.ConfigLoader],
/// [org.openlora.server.config.Installation].
@NullMarked
package org.openlora.server.config;

import org.jspecify.annotations.NullMarked;
