package org.openlora.meter.accounting.export;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.Pico;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;

/// Columns that both tables have.
///
/// @param entry the receipt of a line
record SharedColumns<L>(Function<L, LedgerEntry> entry) {
    /// Decimal places of a pico-unit.
    static final int PICO_SCALE = 12;

    /// The month the line counts in and the span it was served in.
    List<Column<L>> periods() {
        return List.of(
                time("BillingPeriodEnd", e -> e.booked().end()),
                time("BillingPeriodStart", e -> e.booked().start()),
                time("ChargePeriodEnd", e -> Instant.ofEpochMilli(e.receipt().servedTo() + 1)), // exclusive
                time("ChargePeriodStart", e -> Instant.ofEpochMilli(e.receipt().servedFrom())),
                text("ChargeClass", e -> e.isCorrection() || e.isPriorPeriod() ? "Correction" : null));
    }

    /// Who was served, by what.
    List<Column<L>> resource(AccountNames names) {
        return List.of(
                text("ResourceId", e -> resource(e.receipt())),
                text("ResourceType", e -> e.receipt().adapters().isEmpty() ? "Base model" : "LoRA adapter"),
                text("SubAccountId", e -> e.receipt().account().toString()),
                text("SubAccountName", e -> names.find(e.receipt().account()).orElse(null)),
                text("SubAccountType", e -> "Tenant"));
    }

    /// What identifies the receipt, and proves it.
    List<Column<L>> receipt() {
        return List.of(
                text("x_AttributionDigest", e -> digest(e.receipt().attribution())),
                text("x_BaseDigest", e -> digest(e.receipt().baseDigest())),
                whole("x_Batch", e -> e.batch().isPresent() ? e.batch().getAsLong() : null),
                text("x_Kind", e -> e.receipt().kind().name().toLowerCase(Locale.ROOT)),
                text("x_PriceBookDigest", e -> digest(e.receipt().priceBook())),
                text("x_ReceiptHash", e -> ReceiptCodec.structHash(e.receipt()).toString()),
                text(
                        "x_RefHash",
                        e -> e.receipt().kind() == ReceiptKind.USAGE
                                ? null
                                : e.receipt().ref().toString()),
                text("x_RequestId", e -> e.receipt().requestId().toString()),
                text("x_ScorerDigest", e -> digest(e.receipt().scorer())),
                whole("x_Seq", e -> e.receipt().seq()),
                text("x_ServedPeriod", e -> e.served().toString()),
                text("x_Stream", e -> e.receipt().stream().toString()));
    }

    /// The digest of the adapter; of several, all of them, ascending, with commas; of none, the base's.
    private static String resource(Receipt receipt) {
        return receipt.adapters().isEmpty()
                ? Sha256.text(receipt.baseDigest())
                : receipt.adapters().stream()
                        .map(use -> Sha256.text(use.digest()))
                        .collect(Collectors.joining(","));
    }

    private static @Nullable String digest(Bytes32 word) {
        return word.isZero() ? null : Sha256.text(word);
    }

    static BigDecimal money(long pico) {
        return Pico.decimal(BigInteger.valueOf(pico));
    }

    private Column<L> text(String name, Function<LedgerEntry, @Nullable String> value) {
        return new Column.Text<>(name, line -> value.apply(entry.apply(line)));
    }

    private Column<L> whole(String name, Function<LedgerEntry, @Nullable Long> value) {
        return new Column.Whole<>(name, line -> value.apply(entry.apply(line)));
    }

    private Column<L> time(String name, Function<LedgerEntry, @Nullable Instant> value) {
        return new Column.Time<>(name, line -> value.apply(entry.apply(line)));
    }
}
