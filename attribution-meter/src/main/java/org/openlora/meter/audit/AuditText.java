package org.openlora.meter.audit;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.usage.TokenIds;

/// The tokens of a request, from whoever still has them.
///
/// @param origin who that is, for people
/// @param replay how the answer was drawn, as the trace store keeps it; null where that is not known
public record AuditText(
        String origin,
        TokenIds prompt,
        TokenIds output,
        @Nullable String replay) {
    /// Where texts come from.
    @FunctionalInterface
    public interface Source {
        /// @return empty where there is no text of this receipt
        Optional<AuditText> find(Receipt receipt);
    }
}
