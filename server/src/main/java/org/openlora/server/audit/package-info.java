/// Audits and disputes as a command runs them: a model opened to draw recorded answers again, beside whatever serves.
///
/// Starting point: [org.openlora.server.audit.EngineReplay].
@NullMarked
package org.openlora.server.audit;

import org.jspecify.annotations.NullMarked;
