package org.openlora.server.cli;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.accounting.export.ExportFilter;
import org.openlora.meter.accounting.export.ExportedTable;
import org.openlora.meter.accounting.export.LedgerExport;
import org.openlora.meter.accounting.export.TableFormat;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.Pico;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `openlora receipts export`: charges and payments as tables for other tools.
@Command(
        name = "export",
        description = {
            "Writes the ledger's charges and payments as CSV, Parquet or JSON lines, with FOCUS 1.2's columns.",
            "Filters add up: a line must fit all that are given."
        })
final class ReceiptsExportCommand implements Callable<Integer> {
    private static final JsonMapper JSON = new JsonMapper();

    /// Which tables are written.
    private enum Table {
        CHARGES,
        PAYMENTS,
        ALL
    }

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "csv",
            description = "csv, parquet or jsonl; ${DEFAULT-VALUE} without.")
    private TableFormat format = TableFormat.CSV;

    @Option(
            names = "--table",
            paramLabel = "TABLE",
            defaultValue = "all",
            description =
                    "charges (a line for each receipt and kind of token), payments (a line for each payment) or all.")
    private Table table = Table.ALL;

    @Option(names = "--out", paramLabel = "DIR", defaultValue = ".", description = "Folder of the files.")
    private Path folder = Path.of(".");

    @Option(
            names = "--period",
            paramLabel = "YYYY-MM",
            converter = Converters.Months.class,
            description = "The month that a receipt counts in.")
    private @Nullable Period period;

    @Option(names = "--account", paramLabel = "TENANT-or-HASH", description = "A tenant's name or account.")
    private @Nullable String account;

    @Option(
            names = "--adapter",
            paramLabel = "DIGEST",
            converter = Converters.Digests.class,
            description = "An adapter that served.")
    private @Nullable Bytes32 adapter;

    @Option(
            names = "--datanet",
            paramLabel = "DIGEST",
            converter = Converters.Digests.class,
            description = "A datanet of the lineage; of payments, the one they are for.")
    private @Nullable Bytes32 datanet;

    @Option(
            names = "--payee",
            paramLabel = "ADDRESS",
            converter = Converters.Addresses.class,
            description = "Someone who is paid.")
    private @Nullable Address payee;

    @Option(
            names = "--provider",
            paramLabel = "NAME",
            defaultValue = "OpenLoRA",
            description = "Who serves and bills, for FOCUS's columns; ${DEFAULT-VALUE} without.")
    private String provider = "OpenLoRA";

    @Option(names = "--json", description = "Prints what was written as JSON.")
    private boolean json;

    @Override
    public Integer call() {
        try (Books books = Books.open(options)) {
            Files.createDirectories(folder);
            report(export(books));
            return ExitStatus.OK;
        } catch (IOException e) {
            throw new Problem(
                    "the export cannot be written to %s: %s".formatted(folder, Problem.describe(e)),
                    "name a folder with room with --out",
                    e);
        }
    }

    private List<ExportedTable> export(Books books) throws IOException {
        LedgerExport export = new LedgerExport(books.database(), books::name, provider);
        ExportFilter filter = new ExportFilter(
                Optional.ofNullable(period),
                books.accountIfGiven(account),
                Optional.ofNullable(adapter),
                Optional.ofNullable(datanet),
                Optional.ofNullable(payee));
        List<ExportedTable> written = new ArrayList<>();
        if (table != Table.PAYMENTS) {
            written.add(export.charges(filter, format, file(Table.CHARGES)));
        }
        if (table != Table.CHARGES) {
            written.add(export.payments(filter, format, file(Table.PAYMENTS)));
        }
        return written;
    }

    private Path file(Table which) {
        return folder.resolve(which.name().toLowerCase(Locale.ROOT) + "." + format.extension());
    }

    private void report(List<ExportedTable> written) {
        PrintWriter out = spec.commandLine().getOut();
        for (ExportedTable exported : written) {
            if (json) {
                out.println(JSON.createObjectNode()
                        .put("table", exported.name())
                        .put("file", exported.file().toString())
                        .put("lines", exported.lines())
                        .put("receipts", exported.receipts())
                        .put("netPico", exported.netPico().toString())
                        .put("content", Sha256.text(exported.contentHash()))
                        .put("sha256", Sha256.text(exported.fileHash())));
                continue;
            }
            out.printf(
                    "%-9s %s: %d lines of %d receipts%n",
                    exported.name(), exported.file(), exported.lines(), exported.receipts());
            out.printf("  net      %s (%d pico-units)%n", Pico.text(exported.netPico()), exported.netPico());
            out.printf("  content  %s, the same in every format%n", Sha256.text(exported.contentHash()));
            out.printf("  file     %s%n", Sha256.text(exported.fileHash()));
        }
    }
}
