/// What a server keeps of requests whose tenants let it: how answers were drawn, and for how long.
///
/// Starting points: [org.openlora.server.traces.TraceTerms], [org.openlora.server.traces.ReplayDocument].
@NullMarked
package org.openlora.server.traces;

import org.jspecify.annotations.NullMarked;
