/// The listener: gRPC services, health and reflection on one port.
///
/// Starting points: [org.openlora.server.grpc.OpenLoraServer], [org.openlora.server.grpc.InferenceService].
@NullMarked
package org.openlora.server.grpc;

import org.jspecify.annotations.NullMarked;
