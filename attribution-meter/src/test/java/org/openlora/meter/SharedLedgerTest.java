package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.AuditEvent;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageRow;

/// Several openings of one ledger, and what the database itself forbids.
@ParameterizedClass
@EnumSource(TestDatabase.class)
class SharedLedgerTest {
    private static final LedgerIdentity OTHER = new LedgerIdentity(
            Fixtures.word("other stream"),
            MeterFixture.IDENTITY.operatorId(),
            MeterFixture.IDENTITY.domain(),
            MeterFixture.KEY);

    private final TestDatabase database;

    @TempDir
    private Path folder;

    SharedLedgerTest(TestDatabase database) {
        this.database = database;
    }

    private LedgerLocation ledger() {
        return database.ledger(folder);
    }

    private Meter other() {
        MeterOptions options = MeterFixture.options(ledger());
        return Meter.open(new MeterOptions(
                ledger(), OTHER, options.datanets(), options.encoders(), options.priceBook(), Duration.ofHours(1)));
    }

    /// The row as another replica would have served it.
    private static UsageRow ofOther(UsageRow row) {
        return new UsageRow(
                row.requestId(),
                "node-2",
                row.account(),
                row.payer(),
                row.servedFromMillis(),
                row.servedToMillis(),
                row.baseDigest(),
                row.tokenizerDigest(),
                row.numericPath(),
                row.adapters(),
                row.prompt(),
                row.output(),
                row.cachedTokens(),
                row.discardedTokens(),
                row.requestSalt(),
                row.versions());
    }

    @Test
    void commit_twoReplicas_eachHasAStreamWithoutGaps() {
        int each = 40;
        try (Meter one = Meter.open(MeterFixture.options(ledger()));
                Meter two = other()) {
            IntStream.range(0, each).parallel().forEach(i -> {
                UsageRow row = MeterFixture.row(one, i);
                one.commit(row).join();
                two.commit(ofOther(row)).join();
                if (i % 10 == 0) {
                    var _ = (i % 20 == 0 ? one : two).seal();
                }
            });
            for (Meter meter : List.of(one, two)) {
                meter.drain(MeterFixture.PATIENCE);
                meter.seal();
                assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(each);
                assertThat(meter.queries().quarantined()).isEmpty();
                long next = 1;
                for (long number : meter.queries().batchNumbers()) {
                    SealedBatch batch = meter.batch(number).orElseThrow();
                    assertThat(batch.header().firstSeq()).isEqualTo(next);
                    next = batch.header().lastSeq() + 1;
                }
                assertThat(next).isEqualTo(each + 1);
            }
        }
    }

    @Test
    void commit_afterAnotherOpeningTookTheStream_isRefused() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()));
                AttachedLedger beside = Ledger.attach(ledger(), MeterFixture.IDENTITY)) {
            meter.commit(MeterFixture.row(meter, 1)).join();
            meter.drain(MeterFixture.PATIENCE);
            beside.database()
                    .write(connection -> Database.update(connection, "UPDATE receipt_stream SET epoch = epoch + 1"));
            assertThatThrownBy(() -> meter.commit(MeterFixture.row(meter, 2)).join())
                    .cause()
                    .isInstanceOfSatisfying(
                            LedgerException.class, e -> assertThat(e.reason()).isEqualTo(Reason.IN_USE))
                    .hasMessageContaining("was opened by another process");
            assertThatThrownBy(meter::seal).isInstanceOf(LedgerException.class);
            assertThat(beside.queries().lastSeq()).isEqualTo(1);
        }
    }

    @Test
    void attach_besideTheOwner_readsAndLogs() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()));
                AttachedLedger beside = Ledger.attach(ledger(), MeterFixture.IDENTITY)) {
            meter.commit(MeterFixture.row(meter, 1)).join();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(beside.queries().verify(MeterFixture.operator())).isEqualTo(1);
            beside.log(new AuditEvent(5, "note", "bookkeeper", "", Fixtures.word("x"), "a note", "old", "new"));
            assertThat(meter.queries().audit().getLast().event().actor()).isEqualTo("bookkeeper");
            assertThat(meter.queries().verifyAudit()).isEqualTo(1);
        }
    }

    @Test
    void seal_lateRow_landsInTheNextBatchWithItsOwnTime() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()))) {
            meter.commit(MeterFixture.row(meter, 1)).join();
            meter.drain(MeterFixture.PATIENCE);
            SealedBatch first = meter.seal().orElseThrow();
            UsageRow row = MeterFixture.row(meter, 2);
            long earlier = row.servedFromMillis() - Duration.ofDays(40).toMillis();
            UsageRow late = new UsageRow(
                    row.requestId(),
                    row.source(),
                    row.account(),
                    row.payer(),
                    earlier,
                    earlier + 5,
                    row.baseDigest(),
                    row.tokenizerDigest(),
                    row.numericPath(),
                    row.adapters(),
                    row.prompt(),
                    row.output(),
                    row.cachedTokens(),
                    row.discardedTokens(),
                    row.requestSalt(),
                    row.versions());
            meter.commit(late).join();
            meter.drain(MeterFixture.PATIENCE);
            Receipt receipt =
                    meter.queries().receiptsOf(late.requestId()).getFirst().receipt();
            assertThat(receipt.servedTo()).isEqualTo(earlier + 5);
            SealedBatch second = meter.seal().orElseThrow();
            assertThat(second.header().number()).isEqualTo(first.header().number() + 1);
            assertThat(second.receipts()).extracting(SignedReceipt::receipt).containsExactly(receipt);
            assertThat(second.header().fromTs()).isEqualTo(earlier);
        }
    }

    @Test
    void database_statementsThatWouldEditHistory_areRefused() {
        try (Meter meter = Meter.open(MeterFixture.options(ledger()));
                AttachedLedger beside = Ledger.attach(ledger(), MeterFixture.IDENTITY)) {
            meter.commit(MeterFixture.row(meter, 1)).join();
            meter.commit(MeterFixture.row(meter, 2)).join();
            meter.drain(MeterFixture.PATIENCE);
            meter.seal();
            beside.log(new AuditEvent(5, "note", "bookkeeper", "", Fixtures.word("x"), "a note", "", ""));
            Map<String, String> refused = Map.ofEntries(
                    Map.entry("UPDATE receipt SET signed = attribution", "receipts are never changed"),
                    Map.entry("UPDATE receipt SET seq = 9 WHERE seq = 2", "receipts are never changed"),
                    Map.entry("UPDATE receipt SET batch = 7", "a receipt stands in one batch"),
                    Map.entry("DELETE FROM receipt", "receipts are never deleted"),
                    Map.entry(
                            "INSERT INTO receipt (stream, seq, struct_hash, request_id, signed, attribution) SELECT"
                                    + " stream, 4, source, request_id, signed, attribution FROM receipt, "
                                    + "(SELECT stream AS source FROM receipt_stream) AS other WHERE seq = 2",
                            "numbered without gaps"),
                    Map.entry("UPDATE payment SET amount = 1", "payments are never changed"),
                    Map.entry("DELETE FROM payment", "payments are never deleted"),
                    Map.entry("UPDATE usage SET body = ''", "usage is never changed"),
                    Map.entry("DELETE FROM usage", "usage is never deleted"),
                    Map.entry("UPDATE batch SET last_seq = 9", "batches are never changed"),
                    Map.entry("DELETE FROM batch", "batches are never deleted"),
                    Map.entry("UPDATE audit SET detail = ''", "audit entries are never changed"),
                    Map.entry("DELETE FROM audit", "audit entries are never deleted"));
            refused.forEach((sql, why) -> assertThatThrownBy(
                            () -> beside.database().write(connection -> Database.update(connection, sql)))
                    .as(sql)
                    .isInstanceOf(LedgerException.class)
                    .hasMessageContaining(why));
        }
    }

    @Test
    void verifyAudit_alteredOrCutTrail_isNamed() {
        try (AttachedLedger ledger = Ledger.attach(ledger(), MeterFixture.IDENTITY)) {
            for (String detail : List.of("first", "second", "third")) {
                ledger.log(new AuditEvent(5, "note", "bookkeeper", "", Fixtures.word("x"), detail, "", ""));
            }
            assertThat(ledger.queries().verifyAudit()).isEqualTo(3);
            String table = database == TestDatabase.POSTGRES ? " ON audit" : "";
            change(ledger, "DROP TRIGGER audit_unchanged" + table);
            change(ledger, "DROP TRIGGER audit_kept" + table);
            change(ledger, "UPDATE audit SET detail = 'other' WHERE detail = 'second'");
            assertThatThrownBy(() -> ledger.queries().verifyAudit()).hasMessageContaining("is not what was written");
            change(ledger, "UPDATE audit SET detail = 'second' WHERE detail = 'other'");
            change(ledger, "DELETE FROM audit WHERE detail = 'third'");
            assertThatThrownBy(() -> ledger.queries().verifyAudit())
                    .hasMessageContaining("has 2 entries")
                    .hasMessageContaining("not 3");
        }
    }

    private static void change(AttachedLedger ledger, String sql) {
        ledger.database().write(connection -> Database.update(connection, sql));
    }
}
