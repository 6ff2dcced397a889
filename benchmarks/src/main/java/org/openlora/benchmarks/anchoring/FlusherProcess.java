package org.openlora.benchmarks.anchoring;

import java.math.BigInteger;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.openlora.meter.chain.BatchFlusher;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.FlushPolicy;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.keys.OperatorKeys;
import org.openlora.meter.lease.Fence;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;

/// A flusher in a process of its own, which a campaign kills: it opens the ledger, as a server does after a crash, and
/// flushes until the last batch has landed.
public final class FlusherProcess {
    /// Exit status where the flusher halted.
    static final int HALTED = 4;
    /// Printed when the flusher begins to look at the chain.
    static final String READY = "ready";

    private static final Duration CALL_LIMIT = Duration.ofMillis(700);

    private FlusherProcess() {}

    /// What a flusher is told. The key comes by the environment, where no other account sees it.
    record Arguments(
            Path ledger, Path visible, URI endpoint, Address contract, Bytes32 operatorId, Bytes32 stream, long last) {
        List<String> toList() {
            return List.of(
                    ledger.toString(),
                    visible.toString(),
                    endpoint.toString(),
                    contract.toString(),
                    operatorId.toString(),
                    stream.toString(),
                    Long.toString(last));
        }

        static Arguments of(String[] arguments) {
            return new Arguments(
                    Path.of(arguments[0]),
                    Path.of(arguments[1]),
                    URI.create(arguments[2]),
                    Address.parse(arguments[3]),
                    Bytes32.parse(arguments[4]),
                    Bytes32.parse(arguments[5]),
                    Long.parseLong(arguments[6]));
        }
    }

    public static void main(String[] arguments) {
        Arguments told = Arguments.of(arguments);
        OperatorKey key = OperatorKey.parse(
                Objects.requireNonNull(System.getenv(OperatorKeys.ENVIRONMENT)), OperatorKeys.ENVIRONMENT);
        LedgerIdentity identity =
                new LedgerIdentity(told.stream(), told.operatorId(), Eip712Domain.ledger(31_337, told.contract()), key);
        try (Ledger ledger = Ledger.open(LedgerLocation.of(told.ledger()), identity)) {
            System.out.println(READY);
            System.out.flush();
            flusher(ledger, told, key, new FlusherMonitor()).flushUntil(told.last(), Duration.ofHours(1));
        } catch (ChainException.Halted e) {
            System.err.println(e.getMessage());
            System.exit(HALTED);
        }
    }

    /// As a campaign wants it: impatient, so that much happens in little time.
    static BatchFlusher flusher(Ledger ledger, Arguments told, OperatorKey key, FlusherMonitor monitor) {
        FlushSource source = ledger.flushSources(Fence.OPEN).stream()
                .filter(candidate -> candidate.stream().equals(told.stream()))
                .findFirst()
                .orElseThrow();
        return flusher(source, told, key, monitor);
    }

    static BatchFlusher flusher(FlushSource source, Arguments told, OperatorKey key, FlusherMonitor monitor) {
        return new BatchFlusher(
                new LedgerContract(new JsonRpc(told.endpoint(), CALL_LIMIT), told.contract()),
                key,
                new FlushSource(
                        source.operatorId(),
                        source.stream(),
                        new PacedBatches(source.batches(), told.visible()),
                        source.journal()),
                policy(),
                Clock.systemUTC(),
                monitor);
    }

    static FlushPolicy policy() {
        return new FlushPolicy(
                Duration.ofMillis(300), Duration.ofMillis(1_500), BigInteger.TEN.pow(12), Duration.ofMillis(5));
    }
}
