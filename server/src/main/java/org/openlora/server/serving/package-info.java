/// What is served: the model with its adapters, engine and meter, put together, and the port by which the network
/// surfaces use it.
///
/// Starting points: [org.openlora.server.serving.Serving].
@NullMarked
package org.openlora.server.serving;

import org.jspecify.annotations.NullMarked;
