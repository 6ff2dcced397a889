package org.openlora.server.http;

import org.openlora.engine.FinishReason;

/// The API's words for why an answer ended.
final class FinishReasons {
    private FinishReasons() {}

    static String name(FinishReason reason) {
        return switch (reason) {
            case STOP -> "stop";
            case LENGTH -> "length";
            case ABORT, DEADLINE -> "abort";
        };
    }
}
