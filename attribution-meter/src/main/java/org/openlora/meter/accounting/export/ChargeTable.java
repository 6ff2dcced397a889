package org.openlora.meter.accounting.export;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.charges.ChargeLine;

/// The table of charges: one line for each receipt and kind of token, with FOCUS 1.2's columns.
final class ChargeTable {
    static final String NAME = "charges";
    private static final int MILLI_PICO_SCALE = 15;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss 'UTC'").withZone(ZoneOffset.UTC);

    private ChargeTable() {}

    /// The columns, ascending by name: FOCUS's own, then those that begin with `x_`.
    ///
    /// @param provider who serves and bills
    static List<Column<ChargeLine>> columns(AccountNames names, String provider) {
        SharedColumns<ChargeLine> shared = new SharedColumns<>(ChargeLine::entry);
        List<Column<ChargeLine>> columns = new ArrayList<>(shared.periods());
        columns.addAll(shared.resource(names));
        columns.addAll(shared.receipt());
        for (String cost : List.of("BilledCost", "ContractedCost", "EffectiveCost", "ListCost")) {
            columns.add(
                    new Column.Decimal<>(cost, SharedColumns.PICO_SCALE, line -> SharedColumns.money(line.netPico())));
        }
        for (String price : List.of("ContractedUnitPrice", "ListUnitPrice")) {
            columns.add(new Column.Decimal<>(price, MILLI_PICO_SCALE, ChargeLine::unitPrice));
        }
        for (String quantity : List.of("ConsumedQuantity", "PricingQuantity")) {
            columns.add(new Column.Decimal<>(quantity, 0, ChargeTable::quantity));
        }
        for (String unit : List.of("ConsumedUnit", "PricingUnit")) {
            columns.add(new Column.Text<>(
                    unit, line -> line.quantity() == null ? null : line.kind().unit()));
        }
        for (String party : List.of("InvoiceIssuerName", "ProviderName", "PublisherName")) {
            columns.add(new Column.Text<>(party, line -> provider));
        }
        columns.addAll(List.of(
                new Column.Text<>(
                        "BillingAccountId",
                        line -> line.entry().receipt().payer().toString()),
                new Column.Text<>("BillingAccountName", line -> null), // accounts of a chain have none
                new Column.Text<>("BillingAccountType", line -> "EVM account"),
                new Column.Text<>("BillingCurrency", line -> line.book().currency()),
                new Column.Text<>("ChargeCategory", line -> "Usage"),
                new Column.Text<>("ChargeDescription", ChargeTable::description),
                new Column.Text<>("ChargeFrequency", line -> "Usage-Based"),
                new Column.Text<>("PricingCategory", line -> "Standard"),
                new Column.Text<>("ServiceCategory", line -> "AI and Machine Learning"),
                new Column.Text<>("ServiceName", line -> "OpenLoRA inference"),
                new Column.Text<>("ServiceSubcategory", line -> "Generative AI"),
                new Column.Text<>("SkuId", line -> line.kind().sku()),
                new Column.Text<>("SkuMeter", line -> line.kind().label()),
                new Column.Text<>(
                        "SkuPriceId",
                        line -> line.entry().receipt().priceBook() + "/"
                                + line.kind().sku()),
                new Column.Decimal<>("x_NetPico", 0, line -> BigDecimal.valueOf(line.netPico()))));
        columns.sort(Comparator.comparing(Column::name));
        return List.copyOf(columns);
    }

    private static @Nullable BigDecimal quantity(ChargeLine line) {
        Long quantity = line.quantity();
        return quantity == null ? null : BigDecimal.valueOf(quantity);
    }

    private static String description(ChargeLine line) {
        Long quantity = line.quantity();
        return quantity == null
                ? line.kind().label() + " " + line.entry().receipt().ref()
                : "%d %s, served %s"
                        .formatted(
                                quantity,
                                line.kind().label(),
                                TIME.format(Instant.ofEpochMilli(
                                        line.entry().receipt().servedTo())));
    }
}
