package org.openlora.server.retention;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.openlora.engine.Usage;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.server.config.ServerConfig.Tenant;

/// Whose requests are kept, and for how long: those of tenants that the settings say so of, nobody else's.
///
/// @param accounts of these tenants, as receipts name them
/// @param retention from a response's end to its erasure
public record TraceTerms(Set<Bytes32> accounts, Duration retention) {
    public TraceTerms {
        accounts = Set.copyOf(accounts);
    }

    /// The tenants with `trace: true`.
    ///
    /// @param account of a tenant by its name
    public static TraceTerms of(List<Tenant> tenants, Function<String, Bytes32> account, Duration retention) {
        return new TraceTerms(
                tenants.stream()
                        .filter(Tenant::trace)
                        .map(tenant -> account.apply(tenant.name()))
                        .collect(Collectors.toUnmodifiableSet()),
                retention);
    }

    /// What is to be kept of an answer; empty where its tenant did not ask for it.
    public Optional<TraceOrder> order(Usage usage) {
        if (!accounts.contains(usage.billTo().account())) {
            return Optional.empty();
        }
        return Optional.of(new TraceOrder(
                ReplayDocument.of(usage).toJson(),
                usage.servedTo().plus(retention).toEpochMilli()));
    }
}
