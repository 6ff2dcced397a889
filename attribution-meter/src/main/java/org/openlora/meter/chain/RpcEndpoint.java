package org.openlora.meter.chain;

import java.util.concurrent.ThreadLocalRandom;
import org.openlora.meter.chain.JsonRpc.Transport;

/// One way to the chain, and how it has been behaving: after each failure it rests, at first a quarter of a
/// second, then twice as long each time up to half a minute, spread by half so that clients do not march in step.
/// Safe for use by many threads.
final class RpcEndpoint {
    private static final long FIRST_REST_NANOS = 250_000_000;
    private static final int MOST_DOUBLINGS = 7;

    private final String name;
    private final Transport transport;
    private int failures;
    private long restUntilNanos;

    RpcEndpoint(String name, Transport transport) {
        this.name = name;
        this.transport = transport;
    }

    String name() {
        return name;
    }

    Transport transport() {
        return transport;
    }

    synchronized void succeeded() {
        failures = 0;
    }

    synchronized void failed() {
        long longest = FIRST_REST_NANOS << Math.min(failures, MOST_DOUBLINGS);
        failures++;
        restUntilNanos = System.nanoTime() + ThreadLocalRandom.current().nextLong(longest / 2, longest + 1);
    }

    synchronized boolean rests() {
        return failures > 0 && System.nanoTime() < restUntilNanos;
    }
}
