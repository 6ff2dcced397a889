/// The gRPC surface: inference, receipts, health and reflection.
///
/// Starting points: [org.openlora.server.grpc.GrpcSurface], [org.openlora.server.grpc.InferenceService].
@NullMarked
package org.openlora.server.grpc;

import org.jspecify.annotations.NullMarked;
