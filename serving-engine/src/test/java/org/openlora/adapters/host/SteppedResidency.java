package org.openlora.adapters.host;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import org.openlora.adapters.AdapterSource;

/// Opens residencies whose loads and alarms happen when a test says so.
public final class SteppedResidency {
    private SteppedResidency() {}

    /// @param loader is given each load, and runs it when and where it likes
    /// @param alarms is given what is to happen after a while
    public static HostAdapterResidency open(
            AdapterSource source,
            HostLimits limits,
            InstantSource clock,
            Executor loader,
            BiConsumer<Duration, Runnable> alarms) {
        return new HostAdapterResidency(source, limits, clock, loader, alarms::accept);
    }
}
