package org.openlora.meter.pricing;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.usage.AdapterUsage;

/// A version of the price book: rates, split, payees and the numbers that attribution depends on. Immutable and
/// named by its content; a receipt carries the digest.
///
/// @param digest SHA-256 of `lp("openlora/price-book/v1") ‖ lp(JCS(the file as JSON))`
/// @param json the file as canonical JSON: enough to read it back
/// @param name for people
/// @param effectiveFrom not applied to requests served earlier
/// @param currency symbol of the settlement token; amounts are pico-units (10⁻¹²) of its whole unit
/// @param fixedFeePico platform's fee per request
/// @param platformBps platform's part of the token fees, before the split
/// @param baseOwners payee by base digest; bases not named fall to the treasury
/// @param datanetPool the escrow account of all datanet pools; a payment's source says which pool
public record PriceBook(
        Bytes32 digest,
        String json,
        String name,
        Instant effectiveFrom,
        String currency,
        Rates defaultRates,
        Map<Bytes32, Rates> baseRates,
        Map<Bytes32, Rates> adapterRates,
        long fixedFeePico,
        int platformBps,
        Split split,
        Map<Bytes32, Address> baseOwners,
        Address operator,
        Address platform,
        Address treasury,
        Address datanetPool,
        AttributionRules rules) {
    public PriceBook {
        baseRates = Map.copyOf(baseRates);
        adapterRates = Map.copyOf(adapterRates);
        baseOwners = Map.copyOf(baseOwners);
    }

    /// Reads a price book file.
    ///
    /// @throws IOException where it cannot be read
    /// @throws org.openlora.meter.document.DocumentException naming file, line and field where it breaks the
    ///     format
    public static PriceBook read(Path file) throws IOException {
        return PriceBookReader.read(file);
    }

    /// Reads the text of a price book; `file` is the name used in errors.
    public static PriceBook parse(String file, String text) {
        return PriceBookReader.parse(file, text);
    }

    /// The rates of a request: those of the base, or the default; an adapter with rates of its own replaces them,
    /// and of several adapters the dearest rate of each kind counts.
    public Rates ratesOf(Bytes32 baseDigest, Collection<AdapterUsage> adapters) {
        Rates base = baseRates.getOrDefault(baseDigest, defaultRates);
        return adapters.stream()
                .map(adapter -> adapterRates.getOrDefault(adapter.use().digest(), base))
                .reduce(Rates::dearer)
                .orElse(base);
    }
}
