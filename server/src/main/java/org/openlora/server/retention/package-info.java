/// What a server keeps of requests whose tenants let it: how answers were drawn, and for how long.
///
/// Starting points: [org.openlora.server.retention.TraceTerms], [org.openlora.server.retention.ReplayDocument].
@NullMarked
package org.openlora.server.retention;

import org.jspecify.annotations.NullMarked;
