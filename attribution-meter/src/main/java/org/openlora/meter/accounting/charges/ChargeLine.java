package org.openlora.meter.accounting.charges;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.pricing.PriceBook;

/// One receipt's charge of one kind.
///
/// @param quantity tokens or requests; null for a correction
/// @param unitPrice per token or request, in whole units of the currency; null for a correction
/// @param netPico negative for a credit; the lines of a receipt sum to its price
public record ChargeLine(
        LedgerEntry entry,
        ChargeKind kind,
        PriceBook book,
        @Nullable Long quantity,
        @Nullable BigDecimal unitPrice,
        long netPico) {}
