package org.openlora.server.grpc;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import org.openlora.adapters.AdapterException;
import org.openlora.engine.EngineException;
import org.openlora.server.adapters.DeskException;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.RequestExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The gRPC status of a failure. Descriptions are the failures' own one-line messages.
final class Statuses {
    private static final Logger log = LoggerFactory.getLogger(Statuses.class);

    private Statuses() {}

    static Status of(Throwable failure) {
        return switch (failure) {
            case EngineException e when e.getCause() instanceof AdapterException cause -> of(cause);
            case EngineException e -> status(e.code()).withDescription(Problem.describe(e));
            case AdapterException e -> status(e.code()).withDescription(Problem.describe(e));
            case DeskException e -> status(e.reason()).withDescription(Problem.describe(e));
            case RequestExistsException e -> Status.ALREADY_EXISTS.withDescription(Problem.describe(e));
            case IllegalArgumentException e -> Status.INVALID_ARGUMENT.withDescription(Problem.describe(e));
            case Problem e -> Status.INVALID_ARGUMENT.withDescription(Problem.describe(e));
            case StatusException e -> e.getStatus();
            case StatusRuntimeException e -> e.getStatus();
            default -> {
                log.error("A call failed for a reason of ours", failure);
                yield Status.INTERNAL.withDescription("an internal error, the server's log says more");
            }
        };
    }

    private static Status status(EngineException.Code code) {
        return switch (code) {
            case INVALID_REQUEST -> Status.INVALID_ARGUMENT;
            case ADAPTER -> Status.FAILED_PRECONDITION;
            case OVERLOADED -> Status.RESOURCE_EXHAUSTED;
            case DEADLINE_EXCEEDED -> Status.DEADLINE_EXCEEDED;
            case UNAVAILABLE -> Status.UNAVAILABLE;
            case WRONG_WEIGHTS -> Status.DATA_LOSS;
            case INTERNAL -> Status.INTERNAL;
        };
    }

    private static Status status(DeskException.Reason reason) {
        return switch (reason) {
            case NOT_ALLOWED -> Status.PERMISSION_DENIED;
            case CONFLICT -> Status.FAILED_PRECONDITION;
        };
    }

    private static Status status(AdapterException.Code code) {
        return switch (code) {
            case NOT_FOUND -> Status.NOT_FOUND;
            case NAME_TAKEN -> Status.ALREADY_EXISTS;
            case INVALID, UNSUPPORTED, WRONG_BASE, CHANGED -> Status.FAILED_PRECONDITION;
            case TOO_LARGE, NO_ROOM -> Status.RESOURCE_EXHAUSTED;
            case REFUSED -> Status.PERMISSION_DENIED;
            case CORRUPT -> Status.DATA_LOSS;
            case UNAVAILABLE, CLOSED -> Status.UNAVAILABLE;
        };
    }
}
