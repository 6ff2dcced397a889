package org.openlora.adapters.host;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import org.openlora.adapters.AdapterSource;
import org.openlora.adapters.Digest;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;

/// Opens residencies whose loads and alarms happen when a test says so, and spoils what they hold.
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

    /// Changes a bit of an adapter's weights in memory, as bad memory does, and lets the scrubber pass once.
    ///
    /// @return false where it is not resident
    public static boolean spoil(HostAdapterResidency residency, Digest adapter, LoraPoint point) {
        LoraSlot weights = residency.weights(adapter).orElse(null);
        if (weights == null) {
            return false;
        }
        LoraModule module = weights.modules(0, point).getFirst();
        byte before = module.weights().get(ValueLayout.JAVA_BYTE, module.bOffsetBytes());
        module.weights().set(ValueLayout.JAVA_BYTE, module.bOffsetBytes(), (byte) (before ^ 1));
        residency.scrub();
        return true;
    }
}
