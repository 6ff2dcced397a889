package org.openlora.engine.scheduler;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.openlora.adapters.Digest;
import org.openlora.engine.scheduler.VirtualTokenCounters.Counter;
import org.openlora.meter.evm.Bytes32;

/// Service divided fairly between tenants and, within a tenant, between its sets of adapters. Owned by the engine
/// thread.
final class FairShares {
    /// A generated token takes a pass of its own over the weights, a prompt token shares one with many.
    static final int GENERATED_TOKEN_WEIGHT = 2;

    private final VirtualTokenCounters<Bytes32> tenants = new VirtualTokenCounters<>();
    private final Map<Bytes32, VirtualTokenCounters<List<Digest>>> adapters = new HashMap<>();

    /// One sequence's accounts.
    static final class Account {
        private final Bytes32 tenantId;
        private final Counter tenant;
        private final Counter adapters;

        private Account(Bytes32 tenantId, Counter tenant, Counter adapters) {
            this.tenantId = tenantId;
            this.tenant = tenant;
            this.adapters = adapters;
        }

        Counter tenant() {
            return tenant;
        }

        Counter adapters() {
            return adapters;
        }

        void chargePrompt(int tokens) {
            charge(tokens);
        }

        void chargeGenerated(int tokens) {
            charge((long) GENERATED_TOKEN_WEIGHT * tokens);
        }

        private void charge(long weightedTokens) {
            tenant.charge(weightedTokens);
            adapters.charge(weightedTokens);
        }
    }

    /// A sequence comes in.
    ///
    /// @param adapterDigests ascending
    Account enter(Bytes32 tenant, List<Digest> adapterDigests) {
        return new Account(
                tenant,
                tenants.enter(tenant),
                adapters.computeIfAbsent(tenant, _ -> new VirtualTokenCounters<>())
                        .enter(adapterDigests));
    }

    /// A sequence is over.
    void leave(Account account) {
        tenants.leave(account.tenant);
        VirtualTokenCounters<List<Digest>> own = adapters.get(account.tenantId);
        if (own == null) {
            throw new IllegalStateException("tenant " + account.tenantId + " leaves but never came");
        }
        own.leave(account.adapters);
        if (own.open() == 0) {
            adapters.remove(account.tenantId);
        }
    }

    /// Sequences that came in and are not over.
    int open() {
        return tenants.open();
    }
}
