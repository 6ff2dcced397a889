package org.openlora.meter.accounting.export;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.accounting.charges.ChargeLine;
import org.openlora.meter.accounting.charges.ChargeLines;
import org.openlora.meter.accounting.entries.Attributions;
import org.openlora.meter.accounting.entries.KeptPriceBooks;
import org.openlora.meter.accounting.entries.LedgerEntries;
import org.openlora.meter.accounting.entries.LedgerEntry;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;

/// Writes a ledger's charges and payments as tables, a receipt at a time. Order: stream, number, then the kind of
/// charge or the receipt's own order of payments; so the same receipts give the same lines.
public final class LedgerExport {
    private final Database database;
    private final AccountNames names;
    private final String provider;

    /// @param provider who serves and bills, as FOCUS's columns name it
    public LedgerExport(Database database, AccountNames names, String provider) {
        this.database = database;
        this.names = names;
        this.provider = provider;
    }

    /// Writes the table of charges.
    ///
    /// @throws org.openlora.meter.accounting.entries.AccountingException where a receipt was not priced by its book
    /// @throws IOException where the file cannot be written
    public ExportedTable charges(ExportFilter filter, TableFormat format, Path file) throws IOException {
        ChargeLines lines = new ChargeLines(new KeptPriceBooks(database));
        Attributions attributions = new Attributions(database);
        return export(ChargeTable.NAME, file, format, ChargeTable.columns(names, provider), (entry, sink) -> {
            if (filter.fitsReceipt(entry) && filter.fitsCharges(entry, attributions)) {
                sink.countReceipt();
                for (ChargeLine line : lines.of(entry)) {
                    sink.write(line, line.netPico());
                }
            }
        });
    }

    /// Writes the table of payments.
    ///
    /// @throws IOException where the file cannot be written
    public ExportedTable payments(ExportFilter filter, TableFormat format, Path file) throws IOException {
        KeptPriceBooks books = new KeptPriceBooks(database);
        Attributions attributions = new Attributions(database);
        return export(PaymentTable.NAME, file, format, PaymentTable.columns(names), (entry, sink) -> {
            Receipt receipt = entry.receipt();
            if (!filter.fitsReceipt(entry)) {
                return;
            }
            String currency = books.get(receipt.priceBook()).currency();
            boolean any = false;
            for (Payment payment : receipt.payments()) {
                Optional<Bytes32> datanet = attributions.datanet(receipt, payment);
                if (filter.fitsPayment(payment, datanet)) {
                    PaymentLine line = new PaymentLine(entry, payment, currency, datanet.orElse(null));
                    sink.write(line, line.netPico());
                    any = true;
                }
            }
            if (any) {
                sink.countReceipt();
            }
        });
    }

    @FunctionalInterface
    private interface Cutter<L> {
        void cut(LedgerEntry entry, TableSink<L> sink) throws IOException;
    }

    private <L> ExportedTable export(
            String name, Path file, TableFormat format, List<Column<L>> columns, Cutter<L> cutter) throws IOException {
        try (TableSink<L> sink = new TableSink<>(name, file, format, columns)) {
            LedgerEntries.of(database).forEach(entry -> {
                try {
                    cutter.cut(entry, sink);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            return sink.finish();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }
}
