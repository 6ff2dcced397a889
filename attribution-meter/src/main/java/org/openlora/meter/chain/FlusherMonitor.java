package org.openlora.meter.chain;

import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.openlora.meter.evm.Bytes32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What the flushers of this process did and what troubles them: counts, the progress of each stream, and alarms,
/// which are logged once when they are raised and once when they are over. Safe for use by many threads.
public final class FlusherMonitor {
    private static final Logger LOG = LoggerFactory.getLogger(FlusherMonitor.class);

    private final Map<Event, Long> counts = new EnumMap<>(Event.class);
    private final Map<Bytes32, Progress> streams = new HashMap<>();
    private final Map<FlusherAlarm, Map<Bytes32, String>> standing = new EnumMap<>(FlusherAlarm.class);
    private final Map<FlusherAlarm, Long> raised = new EnumMap<>(FlusherAlarm.class);

    /// What is counted.
    public enum Event {
        /// A transaction was signed and sent.
        SENT,
        /// The transaction in flight was sent again unchanged.
        RESENT,
        /// The transaction in flight was replaced by a dearer one.
        BUMPED,
        /// A batch was seen on the chain.
        LANDED,
        /// The chain was seen with fewer batches than before.
        ROLLED_BACK,
        /// A look at the chain failed; it is repeated.
        STEP_FAILED
    }

    /// How far one stream has come, by batch number.
    ///
    /// @param sealed greatest number that the ledger has sealed, as far as the flusher has looked
    /// @param landed greatest number at the chain's latest block
    /// @param finalized greatest number that was seen at a finalized block
    public record Progress(long sealed, long landed, long finalized) {
        static final Progress NONE = new Progress(0, 0, 0);
    }

    /// Everything at one moment.
    ///
    /// @param alarms those that stand, each with the reason in one line
    /// @param raised how often each alarm was raised since the process began
    public record Snapshot(
            Map<Event, Long> counts,
            Map<Bytes32, Progress> streams,
            Map<FlusherAlarm, String> alarms,
            Map<FlusherAlarm, Long> raised) {
        public Snapshot {
            counts = Map.copyOf(counts);
            streams = Map.copyOf(streams);
            alarms = Map.copyOf(alarms);
            raised = Map.copyOf(raised);
        }

        public long count(Event event) {
            return counts.getOrDefault(event, 0L);
        }

        public long raised(FlusherAlarm alarm) {
            return raised.getOrDefault(alarm, 0L);
        }

        /// Batches that are sealed and not on the chain, over all streams.
        public long waiting() {
            return streams.values().stream()
                    .mapToLong(stream -> Math.max(0, stream.sealed() - stream.landed()))
                    .sum();
        }
    }

    public synchronized Snapshot snapshot() {
        Map<FlusherAlarm, String> alarms = new EnumMap<>(FlusherAlarm.class);
        standing.forEach((alarm, reasons) -> {
            if (!reasons.isEmpty()) {
                alarms.put(alarm, String.join("; ", new TreeMap<>(reasons).values()));
            }
        });
        return new Snapshot(counts, streams, alarms, raised);
    }

    synchronized void count(Event event) {
        counts.merge(event, 1L, Long::sum);
    }

    synchronized void progress(Bytes32 stream, Progress progress) {
        streams.put(stream, progress);
    }

    /// Streams that are no longer flushed from here stop being shown, and with them their alarms: another process
    /// took over.
    synchronized void retain(Collection<Bytes32> flushed) {
        streams.keySet().retainAll(flushed);
        standing.values().forEach(reasons -> reasons.keySet().retainAll(flushed));
    }

    /// Raises an alarm for a stream, unless it stands already.
    synchronized void raise(FlusherAlarm alarm, Bytes32 stream, String reason) {
        Map<Bytes32, String> reasons = standing.computeIfAbsent(alarm, _ -> new HashMap<>());
        if (reasons.put(stream, reason) == null) {
            raised.merge(alarm, 1L, Long::sum);
            LOG.error("{}: {}", alarm, reason);
        }
    }

    /// The cause is gone.
    synchronized void clear(FlusherAlarm alarm, Bytes32 stream) {
        Map<Bytes32, String> reasons = standing.get(alarm);
        if (reasons != null && reasons.remove(stream) != null) {
            LOG.info("no longer: {} (stream {})", alarm, stream);
        }
    }
}
