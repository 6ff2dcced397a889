package org.openlora.meter.accounting.export;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// The table of payments: one line for each payment of each receipt.
final class PaymentTable {
    static final String NAME = "payments";

    private PaymentTable() {}

    /// The columns, ascending by name.
    static List<Column<PaymentLine>> columns(AccountNames names) {
        SharedColumns<PaymentLine> shared = new SharedColumns<>(PaymentLine::entry);
        List<Column<PaymentLine>> columns = new ArrayList<>(shared.periods());
        columns.addAll(shared.resource(names));
        columns.addAll(shared.receipt());
        columns.addAll(List.of(
                new Column.Text<>("BillingCurrency", PaymentLine::currency),
                new Column.Decimal<>("x_Amount", SharedColumns.PICO_SCALE, line -> SharedColumns.money(line.netPico())),
                new Column.Text<>("x_Datanet", PaymentTable::datanet),
                new Column.Decimal<>("x_NetPico", 0, line -> BigDecimal.valueOf(line.netPico())),
                new Column.Text<>("x_Payee", line -> line.payment().payee().toString()),
                new Column.Text<>("x_Role", line -> line.payment().role().name().toLowerCase(Locale.ROOT)),
                new Column.Text<>("x_Source", line -> line.payment().source().toString())));
        columns.sort(Comparator.comparing(Column::name));
        return List.copyOf(columns);
    }

    private static @Nullable String datanet(PaymentLine line) {
        Bytes32 datanet = line.datanet();
        return datanet == null ? null : Sha256.text(datanet);
    }
}
