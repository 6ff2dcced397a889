package org.openlora.meter.accounting.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.meter.accounting.TestLedger.DECEMBER;
import static org.openlora.meter.accounting.TestLedger.FIRST_TENANT;
import static org.openlora.meter.accounting.TestLedger.NOVEMBER;
import static org.openlora.meter.accounting.TestLedger.SECOND_TENANT;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.accounting.TestLedger;
import org.openlora.meter.accounting.entries.AccountingException;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.SignedReceipt;

/// Exports as an ordinary tool reads them: DuckDB opens every format, and its sums are the ledger's.
@ParameterizedClass
@EnumSource(TestDatabase.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LedgerExportTest {
    @Parameter
    private TestDatabase kind;

    @TempDir
    private static Path shared;

    private Path folder;

    private TestLedger ledger;
    private LedgerExport export;

    @BeforeParameterizedClassInvocation
    void serve() {
        folder = shared.resolve(kind.name());
        ledger = TestLedger.open(kind.ledger(folder.resolve("ledger")))
                .serve(25, FIRST_TENANT, NOVEMBER)
                .serve(10, SECOND_TENANT, NOVEMBER)
                .seal()
                .serve(7, FIRST_TENANT, DECEMBER);
        export = new LedgerExport(ledger.database(), account -> Optional.of("tenant"), "The Harbour");
    }

    @AfterParameterizedClassInvocation
    void close() {
        ledger.close();
    }

    @Test
    void everyFormat_openedByDuckDb_sumsToTheLedgerInPicoUnits() throws Exception {
        BigInteger billed = sum(receipt -> true);
        for (TableFormat format : TableFormat.values()) {
            ExportedTable charges = export.charges(ExportFilter.ALL, format, file("charges", format));
            ExportedTable payments = export.payments(ExportFilter.ALL, format, file("payments", format));

            assertThat(charges.netPico()).isEqualTo(billed);
            assertThat(payments.netPico()).isEqualTo(billed);
            assertThat(charges.receipts()).isEqualTo(42);
            assertThat(value("SELECT sum(x_NetPico::DECIMAL(38,0)) FROM " + table(charges, format)))
                    .isEqualTo(billed.toString());
            assertThat(value("SELECT sum(BilledCost::DECIMAL(38,12)) * 1000000000000 FROM " + table(charges, format)))
                    .satisfies(sum -> assertThat(new BigDecimal(sum)).isEqualByComparingTo(new BigDecimal(billed)));
            assertThat(value("SELECT sum(x_NetPico::DECIMAL(38,0)) FROM " + table(payments, format)))
                    .isEqualTo(billed.toString());
            assertThat(value("SELECT count(*) FROM " + table(charges, format)))
                    .isEqualTo(Long.toString(charges.lines()));
            assertThat(value("SELECT count(DISTINCT x_Seq) FROM " + table(charges, format)))
                    .isEqualTo("42");
        }
    }

    @Test
    void everyFormat_sameLines_sameContentHash() throws IOException {
        List<Bytes32> charges = new ArrayList<>();
        List<Bytes32> payments = new ArrayList<>();
        for (TableFormat format : TableFormat.values()) {
            charges.add(export.charges(ExportFilter.ALL, format, file("charges", format))
                    .contentHash());
            payments.add(export.payments(ExportFilter.ALL, format, file("payments", format))
                    .contentHash());
        }
        assertThat(charges).containsOnly(charges.getFirst());
        assertThat(payments).containsOnly(payments.getFirst());
        Path again = folder.resolve("again.jsonl");
        ExportedTable repeated = export.charges(ExportFilter.ALL, TableFormat.JSONL, again);
        assertThat(repeated.contentHash())
                .isEqualTo(charges.getFirst())
                .isEqualTo(repeated.fileHash())
                .isEqualTo(Sha256.hash(Files.readAllBytes(again)));
        assertThat(Files.readAllBytes(again)).isEqualTo(Files.readAllBytes(file("charges", TableFormat.JSONL)));
    }

    @Test
    void parquet_types_areExactDecimalsAndUtcTimestamps() throws Exception {
        ExportedTable charges =
                export.charges(ExportFilter.ALL, TableFormat.PARQUET, file("charges", TableFormat.PARQUET));
        Map<String, String> types = new HashMap<>();
        query("DESCRIBE SELECT * FROM '" + charges.file() + "'", row -> types.put(row.getString(1), row.getString(2)));
        assertThat(types)
                .containsEntry("BilledCost", "DECIMAL(38,12)")
                .containsEntry("ListUnitPrice", "DECIMAL(38,15)")
                .containsEntry("x_NetPico", "DECIMAL(38,0)")
                .containsEntry("ChargePeriodStart", "TIMESTAMP WITH TIME ZONE")
                .containsEntry("BillingPeriodStart", "TIMESTAMP WITH TIME ZONE")
                .containsEntry("x_Seq", "BIGINT")
                .containsEntry("ProviderName", "VARCHAR");
        assertThat(types.values()).doesNotContain("DOUBLE", "FLOAT");
        assertThat(value("SELECT epoch_ms(min(ChargePeriodStart)) FROM '" + charges.file() + "'"))
                .isEqualTo(Long.toString(NOVEMBER));
    }

    /// The mandatory columns of FOCUS 1.2, and the conditional ones that apply to metered tokens.
    @Test
    void charges_columns_areThoseOfFocus() throws IOException {
        Path file = file("charges", TableFormat.CSV);
        export.charges(ExportFilter.ALL, TableFormat.CSV, file);
        List<String> header = List.of(Files.readAllLines(file).getFirst().split(","));
        assertThat(header)
                .contains(
                        "BilledCost",
                        "BillingAccountId",
                        "BillingAccountName",
                        "BillingAccountType",
                        "BillingCurrency",
                        "BillingPeriodEnd",
                        "BillingPeriodStart",
                        "ChargeCategory",
                        "ChargeClass",
                        "ChargeDescription",
                        "ChargeFrequency",
                        "ChargePeriodEnd",
                        "ChargePeriodStart",
                        "ConsumedQuantity",
                        "ConsumedUnit",
                        "ContractedCost",
                        "ContractedUnitPrice",
                        "EffectiveCost",
                        "InvoiceIssuerName",
                        "ListCost",
                        "ListUnitPrice",
                        "PricingCategory",
                        "PricingQuantity",
                        "PricingUnit",
                        "ProviderName",
                        "PublisherName",
                        "ResourceId",
                        "ResourceType",
                        "ServiceCategory",
                        "ServiceName",
                        "ServiceSubcategory",
                        "SkuId",
                        "SkuMeter",
                        "SkuPriceId",
                        "SubAccountId",
                        "SubAccountName",
                        "SubAccountType")
                .isSorted()
                .doesNotHaveDuplicates();
    }

    @Test
    void charges_ofEachReceipt_areItsTokensAndSumToItsPrice() throws Exception {
        ExportedTable charges =
                export.charges(ExportFilter.ALL, TableFormat.PARQUET, file("charges", TableFormat.PARQUET));
        Map<Long, Long> priceBySeq = new HashMap<>();
        Map<String, Long> quantities = new HashMap<>();
        query(
                "SELECT x_Seq, SkuId, PricingUnit, PricingQuantity::BIGINT, x_NetPico::BIGINT FROM '" + charges.file()
                        + "'",
                row -> {
                    priceBySeq.merge(row.getLong(1), row.getLong(5), Long::sum);
                    quantities.put(row.getLong(1) + " " + row.getString(2) + " " + row.getString(3), row.getLong(4));
                });
        for (SignedReceipt signed : ledger.receipts()) {
            Receipt receipt = signed.receipt();
            assertThat(priceBySeq).containsEntry(receipt.seq(), receipt.price());
            if (receipt.generatedTokens() > 0) {
                assertThat(quantities)
                        .containsEntry(receipt.seq() + " generated-tokens Tokens", (long) receipt.generatedTokens());
            }
            if (receipt.promptTokens() > receipt.cachedTokens()) {
                assertThat(quantities)
                        .containsEntry(
                                receipt.seq() + " prompt-tokens Tokens",
                                (long) receipt.promptTokens() - receipt.cachedTokens());
            }
            assertThat(quantities).containsEntry(receipt.seq() + " request-fee Requests", 1L);
        }
    }

    @Test
    void filters_eachAlone_giveTheirReceiptsOnly() throws Exception {
        Period november = Period.parse("2026-11");
        assertThat(charges(with(Optional.of(november), Optional.empty(), Optional.empty()))
                        .netPico())
                .isEqualTo(sum(receipt -> november.contains(receipt.servedTo())));
        assertThat(charges(with(Optional.empty(), Optional.of(SECOND_TENANT), Optional.empty()))
                        .netPico())
                .isEqualTo(sum(receipt -> receipt.account().equals(SECOND_TENANT)));
        Bytes32 adapter = Fixtures.word("b");
        ExportedTable ofAdapter = charges(with(Optional.empty(), Optional.empty(), Optional.of(adapter)));
        assertThat(ofAdapter.netPico()).isPositive().isEqualTo(sum(receipt -> receipt.adapters().stream()
                .anyMatch(use -> use.digest().equals(adapter))));
    }

    @Test
    void filters_payeeAndDatanet_giveTheirPaymentsOnly() throws Exception {
        Payment toContributor = ledger.receipts().stream()
                .flatMap(signed -> signed.receipt().payments().stream())
                .filter(payment -> payment.role() == Role.CONTRIBUTOR)
                .findFirst()
                .orElseThrow();
        Address payee = toContributor.payee();
        Datanet datanet = ledger.datanets().stream()
                .filter(candidate -> hashes(candidate).contains(toContributor.source()))
                .findFirst()
                .orElseThrow();
        ExportedTable toPayee = export.payments(
                new ExportFilter(
                        Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.of(payee)),
                TableFormat.PARQUET,
                file("payments", TableFormat.PARQUET));
        assertThat(toPayee.netPico()).isPositive().isEqualTo(paid(payment -> payment.payee()
                .equals(payee)));

        ExportedTable ofDatanet = export.payments(
                new ExportFilter(
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(datanet.digest()),
                        Optional.empty()),
                TableFormat.PARQUET,
                file("payments", TableFormat.PARQUET));
        assertThat(ofDatanet.netPico())
                .isPositive()
                .isEqualTo(paid(payment ->
                        payment.role() == Role.DATANET_POOL && payment.source().equals(datanet.digest())
                                || hashes(datanet).contains(payment.source())));
        assertThat(value("SELECT DISTINCT x_Datanet FROM '" + ofDatanet.file() + "'"))
                .isEqualTo(Sha256.text(datanet.digest()));
    }

    @Test
    void charges_bookIsAnother_isRefusedAndLeavesNoFile() throws IOException {
        Path file = file("refused", TableFormat.CSV);
        try (TestLedger altered =
                TestLedger.open(kind.ledger(folder.resolve("altered"))).serve(2, FIRST_TENANT, NOVEMBER)) {
            altered.tamper(
                    "UPDATE document SET json = replace(json, '\"promptPico\":50000000', '\"promptPico\":51000000')"
                            + " WHERE kind = 'price-book'");
            LedgerExport refused = new LedgerExport(altered.database(), AccountNames.NONE, "The Harbour");
            assertThatThrownBy(() -> refused.charges(ExportFilter.ALL, TableFormat.CSV, file))
                    .isInstanceOf(AccountingException.class)
                    .hasMessageContaining("the ledger keeps another book as price book");
        }
        try (var files = Files.list(folder)) {
            assertThat(files.map(path -> path.getFileName().toString())).noneMatch(name -> name.startsWith("refused"));
        }
    }

    private static List<Bytes32> hashes(Datanet datanet) {
        return datanet.contributors().stream().map(Contributor::hash).toList();
    }

    private ExportedTable charges(ExportFilter filter) throws IOException {
        return export.charges(filter, TableFormat.PARQUET, file("charges", TableFormat.PARQUET));
    }

    private static ExportFilter with(Optional<Period> period, Optional<Bytes32> account, Optional<Bytes32> adapter) {
        return new ExportFilter(period, account, adapter, Optional.empty(), Optional.empty());
    }

    private Path file(String table, TableFormat format) {
        return folder.resolve(table + "." + format.extension());
    }

    /// How a user names the table: decimals of CSV and JSON are read as text and cast, never as doubles.
    private static String table(ExportedTable table, TableFormat format) {
        return switch (format) {
            case PARQUET -> "'" + table.file() + "'";
            case CSV -> "read_csv('" + table.file() + "', all_varchar = true)";
            case JSONL -> "read_json('" + table.file() + "', format = 'newline_delimited')";
        };
    }

    private BigInteger sum(Predicate<Receipt> which) {
        return ledger.receipts().stream()
                .map(SignedReceipt::receipt)
                .filter(which)
                .map(receipt -> BigInteger.valueOf(receipt.price()))
                .reduce(BigInteger.ZERO, BigInteger::add);
    }

    private BigInteger paid(Predicate<Payment> which) {
        return ledger.receipts().stream()
                .flatMap(signed -> signed.receipt().payments().stream())
                .filter(which)
                .map(payment -> BigInteger.valueOf(payment.amount()))
                .reduce(BigInteger.ZERO, BigInteger::add);
    }

    @FunctionalInterface
    private interface Row {
        void read(ResultSet row) throws SQLException;
    }

    private static void query(String sql, Row reader) throws SQLException {
        try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = duckDb.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            while (rows.next()) {
                reader.read(rows);
            }
        }
    }

    private static String value(String sql) throws SQLException {
        List<String> values = new ArrayList<>();
        query(sql, row -> values.add(row.getString(1)));
        assertThat(values).hasSize(1);
        return values.getFirst();
    }
}
