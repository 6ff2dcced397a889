/// The listener: gRPC and HTTP on one port.
///
/// Starting points: [org.openlora.server.listener.OpenLoraServer].
@NullMarked
package org.openlora.server.listener;

import org.jspecify.annotations.NullMarked;
