package org.openlora.meter.accounting;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.openlora.meter.Meter;
import org.openlora.meter.MeterOptions;
import org.openlora.meter.accounting.reconciliation.Operators;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// A real ledger for the accountants' tests: two tenants, two adapters, two datanets, and requests at times of choice.
public final class TestLedger implements AutoCloseable {
    public static final OperatorKey KEY =
            OperatorKey.ofHex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    public static final Bytes32 FIRST_TENANT = Fixtures.word("first tenant");
    public static final Bytes32 SECOND_TENANT = Fixtures.word("second tenant");
    public static final long NOVEMBER = Instant.parse("2026-11-15T12:00:00Z").toEpochMilli();
    public static final long DECEMBER = Instant.parse("2026-12-15T12:00:00Z").toEpochMilli();
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Duration INCLUSION_WINDOW = Duration.ofHours(24);

    private final LedgerLocation location;
    private final LedgerIdentity identity;
    private final List<Datanet> datanets;
    private final Meter meter;
    private final Database database;
    private int requests;

    private TestLedger(LedgerLocation location, Bytes32 operatorId) {
        this.location = location;
        this.identity = new LedgerIdentity(
                Fixtures.word("stream"),
                operatorId,
                Eip712Domain.ledger(31_337, LedgerDeployer.addressFor(KEY.address())),
                KEY);
        Random random = new Random(8);
        this.datanets = List.of(
                Fixtures.datanet("first", 3, Fixtures.randomRows(random, 12, 40)),
                Fixtures.datanet("second", 2, Fixtures.randomRows(random, 12, 40)));
        DatanetRegistry registry = new DatanetRegistry();
        datanets.forEach(registry::register);
        this.meter = Meter.open(new MeterOptions(
                location,
                identity,
                registry,
                Map.of(Fixtures.TOKENIZER, Fixtures.ENCODER),
                priceBook(),
                INCLUSION_WINDOW));
        this.database = Database.open(location.database());
    }

    /// An empty ledger.
    public static TestLedger open(LedgerLocation location) {
        return open(location, Fixtures.word("operator"));
    }

    /// An empty ledger of this operator.
    public static TestLedger open(LedgerLocation location, Bytes32 operatorId) {
        return new TestLedger(location, operatorId);
    }

    public static PriceBook priceBook() {
        try {
            return PriceBook.read(Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Serves requests of a tenant, one second apart, and waits for their receipts.
    public TestLedger serve(int count, Bytes32 account, long fromMillis) {
        List<CompletableFuture<SignedAcknowledgement>> commits = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            commits.add(meter.commit(row(requests++, account, fromMillis + 1_000L * i)));
        }
        commits.forEach(CompletableFuture::join);
        meter.drain(PATIENCE);
        return this;
    }

    /// Commits a request that no receipt is made for, because its tokenizer is not there.
    public Bytes32 serveUnscorable(long atMillis) {
        while (requests % 3 == 0) {
            requests++; // these have no lineage, so nothing would be searched
        }
        UsageRow row = row(requests++, FIRST_TENANT, atMillis);
        UsageRow unscorable = new UsageRow(
                row.requestId(),
                row.source(),
                row.account(),
                row.payer(),
                row.servedFromMillis(),
                row.servedToMillis(),
                row.baseDigest(),
                Fixtures.word("a tokenizer that is not there"),
                row.numericPath(),
                row.adapters(),
                row.prompt(),
                row.output(),
                row.cachedTokens(),
                row.discardedTokens(),
                row.requestSalt(),
                row.versions());
        meter.commit(unscorable).join();
        meter.drain(PATIENCE);
        return unscorable.requestId();
    }

    /// Seals what stands in no batch.
    public TestLedger seal() {
        meter.seal().orElseThrow();
        return this;
    }

    private UsageRow row(int number, Bytes32 account, long atMillis) {
        Random random = new Random(number);
        List<AdapterUsage> adapters = new ArrayList<>();
        if (number % 3 != 0) {
            adapters.add(Fixtures.adapter(
                    "a", 1_000_000, new LineageShare(datanets.get(0).digest(), 10_000)));
        }
        if (number % 5 == 0) {
            adapters.add(Fixtures.adapter(
                    "b",
                    500_000,
                    new LineageShare(datanets.get(1).digest(), 9_000),
                    new LineageShare(Fixtures.word("unknown datanet"), 1_000)));
        }
        int[] prompt = Fixtures.random(random, 1 + random.nextInt(20), 40);
        int[] copied = Fixtures.ENCODER.encode(
                datanets.get(number % 2).rows().get(number % 12).text());
        int[] output = IntStream.concat(random.ints(random.nextInt(10), 0, 40), Arrays.stream(copied))
                .toArray();
        UsageRow row = Fixtures.row(
                "request " + number,
                adapters,
                prompt,
                output,
                random.nextInt(prompt.length + 1),
                meter.versionsFor(adapters));
        return new UsageRow(
                row.requestId(),
                row.source(),
                account,
                row.payer(),
                atMillis,
                atMillis + 500,
                row.baseDigest(),
                row.tokenizerDigest(),
                row.numericPath(),
                row.adapters(),
                TokenIds.of(prompt),
                TokenIds.of(output),
                row.cachedTokens(),
                row.discardedTokens(),
                row.requestSalt(),
                row.versions());
    }

    public Meter meter() {
        return meter;
    }

    public Database database() {
        return database;
    }

    public LedgerIdentity identity() {
        return identity;
    }

    public List<Datanet> datanets() {
        return datanets;
    }

    /// Where the batch files are.
    public Path folder() {
        return location.folder();
    }

    public Operators operators() {
        return new Operators(identity.domain(), Set.of(KEY.address()));
    }

    public List<SignedReceipt> receipts() {
        return meter.queries().receipts(1, Integer.MAX_VALUE);
    }

    public SignedReceipt receipt(long seq) {
        return meter.queries().receipt(seq).orElseThrow();
    }

    /// Takes down what guards the tables, as somebody with the database's password would.
    public TestLedger withoutGuards() {
        boolean sqlite = location.database() instanceof DatabaseLocation.SqliteFile;
        record Guard(String table, String name) {}
        database.write(connection -> {
            for (Guard guard : Database.query(
                    connection,
                    sqlite
                            ? "SELECT tbl_name AS relation, name FROM sqlite_master WHERE type = 'trigger'"
                            : "SELECT tgrelid::regclass::text AS relation, tgname AS name FROM pg_trigger"
                                    + " WHERE NOT tgisinternal",
                    row -> new Guard(row.getString("relation"), row.getString("name")))) {
                Database.update(connection, "DROP TRIGGER " + guard.name() + (sqlite ? "" : " ON " + guard.table()));
            }
            return sqlite;
        });
        return this;
    }

    /// Changes the tables behind the ledger's back.
    public void tamper(String sql, Object... arguments) {
        int changed = database.write(connection -> Database.update(connection, sql, arguments));
        if (changed == 0) {
            throw new IllegalStateException("nothing was changed by " + sql);
        }
    }

    @Override
    public void close() {
        try {
            database.close();
        } finally {
            meter.close();
        }
    }
}
