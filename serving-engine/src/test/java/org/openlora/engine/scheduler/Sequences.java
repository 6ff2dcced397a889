package org.openlora.engine.scheduler;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.openlora.adapters.AdapterLease;
import org.openlora.adapters.Digest;
import org.openlora.adapters.ResidentAdapter;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.kernels.LoraModule;
import org.openlora.kernels.LoraPoint;
import org.openlora.kernels.LoraSlot;
import org.openlora.meter.evm.Bytes32;

/// Sequences to schedule, without a model behind them.
final class Sequences {
    private static final int MAX_TOKENS = 1000;

    private Sequences() {}

    private record Resident(Digest digest, LoraSlot weights, int slot) implements ResidentAdapter {}

    private record Lease(List<ResidentAdapter> adapters) implements AdapterLease {
        @Override
        public void close() {}
    }

    static Bytes32 tenant(int number) {
        return new Bytes32(number, 0, 0, 0);
    }

    static Sequence of(long id, int promptTokens) {
        return of(id, promptTokens, tenant(1), 0);
    }

    static Sequence of(long id, int[] prompt) {
        return withSeed(id, prompt, Bytes32.ZERO);
    }

    static Sequence withSeed(long id, int[] prompt, Bytes32 seed) {
        return of(id, prompt, new ServiceTerms(tenant(1), 0, Instant.EPOCH), seed, 0);
    }

    static Sequence of(long id, int promptTokens, Bytes32 tenant, int priority) {
        return of(id, promptTokens, new ServiceTerms(tenant, priority, Instant.EPOCH));
    }

    static Sequence of(long id, int promptTokens, ServiceTerms terms) {
        int[] prompt = new int[promptTokens];
        Arrays.fill(prompt, Math.toIntExact(id)); // nothing to share
        return of(id, prompt, terms, Bytes32.ZERO, 0);
    }

    /// @param adapter 0 for the bare base
    static Sequence of(long id, int[] prompt, ServiceTerms terms, Bytes32 seed, int adapter) {
        List<ResidentAdapter> leased = adapter == 0 ? List.of() : List.of(resident(adapter));
        return new Sequence(
                id,
                prompt,
                SamplingParams.greedy(MAX_TOKENS),
                leased.stream()
                        .map(resident -> AdapterSelection.of(resident.digest()))
                        .toList(),
                new Lease(leased),
                terms,
                seed);
    }

    private static ResidentAdapter resident(int adapter) {
        return new Resident(new Digest("%064x".formatted(adapter)), new NoWeights(), 0);
    }

    private static final class NoWeights implements LoraSlot {
        @Override
        public List<LoraModule> modules(int layer, LoraPoint point) {
            return List.of();
        }
    }
}
