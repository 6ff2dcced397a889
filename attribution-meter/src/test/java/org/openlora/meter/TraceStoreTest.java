package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.TestDatabase;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerStep;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.trace.Trace;
import org.openlora.meter.trace.TraceCounts;
import org.openlora.meter.usage.TraceOrder;
import org.openlora.meter.usage.UsageRow;

@ParameterizedClass
@EnumSource(TestDatabase.class)
class TraceStoreTest {
    private static final TraceOrder ORDER = new TraceOrder("{\"drawn\":\"so\"}", 5_000);

    private final TestDatabase database;

    @TempDir
    private Path folder;

    TraceStoreTest(TestDatabase database) {
        this.database = database;
    }

    private Meter open() {
        return Meter.open(MeterFixture.options(database.ledger(folder)));
    }

    private static void withoutReceipts(LedgerStep step) {
        if (step == LedgerStep.RECEIPTS_BEFORE_COMMIT) {
            throw new LedgerException(LedgerException.Reason.OTHER, "planted: receipts cannot be written");
        }
    }

    @Test
    void commit_withAnOrder_keepsTheTokensOnceTheReceiptStands() {
        try (Meter meter = open()) {
            UsageRow kept = MeterFixture.row(meter, 1);
            UsageRow dropped = MeterFixture.row(meter, 2);
            meter.commit(kept, ORDER).join();
            meter.commit(kept, ORDER).join(); // the same row again changes nothing
            meter.commit(dropped).join();
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.traces().find(kept.requestId()))
                    .contains(new Trace(
                            kept.source(),
                            kept.requestId(),
                            kept.prompt(),
                            kept.output(),
                            ORDER.replay(),
                            ORDER.keepUntilMillis()));
            assertThat(meter.traces().find(dropped.requestId())).isEmpty();
            assertThat(meter.traces().counts()).isEqualTo(new TraceCounts(1, 0, 0));
        }
    }

    @Test
    void commit_crashBetweenRowAndReceipt_tracesAreThereAfterwards() {
        UsageRow row;
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder), TraceStoreTest::withoutReceipts))) {
            row = MeterFixture.row(meter, 1);
            meter.commit(row, ORDER).join();
            assertThat(meter.traces().find(row.requestId())).isEmpty();
            assertThat(meter.traces().counts()).isEqualTo(new TraceCounts(0, 1, 0));
        }
        try (Meter meter = open()) {
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.traces().find(row.requestId()).orElseThrow().output())
                    .isEqualTo(row.output());
        }
    }

    @Test
    void erase_byTimeAccountAndRequest_leavesReceiptsWhole() {
        try (Meter meter = open()) {
            Bytes32[] ids = new Bytes32[4];
            for (int i = 0; i < ids.length; i++) {
                UsageRow row = MeterFixture.row(meter, i);
                ids[i] = row.requestId();
                meter.commit(row, new TraceOrder("{}", 1_000L * (i + 1))).join();
            }
            meter.drain(MeterFixture.PATIENCE);
            List<SignedReceipt> before = meter.queries().receipts(1, 10);

            assertThat(meter.traces().eraseExpired(2_000)).isEqualTo(2);
            assertThat(meter.traces().eraseExpired(2_000)).isZero();
            assertThat(meter.traces().find(ids[1])).isEmpty();
            assertThat(meter.traces().eraseRequest(ids[2], 2_000)).isTrue();
            assertThat(meter.traces().eraseRequest(ids[2], 2_000)).isFalse();
            assertThat(meter.traces().eraseAccount(Fixtures.word("another account"), 2_000))
                    .isZero();
            assertThat(meter.traces().find(ids[3])).isPresent();
            assertThat(meter.traces().eraseAccount(Fixtures.word("account"), 2_000))
                    .isEqualTo(1);

            assertThat(meter.traces().counts()).isEqualTo(new TraceCounts(0, 0, 4));
            assertThat(meter.queries().receipts(1, 10)).isEqualTo(before).hasSize(4);
            assertThat(meter.queries().verify(MeterFixture.operator())).isEqualTo(4);
        }
    }

    @Test
    void erase_beforeTheReceiptStands_keepsNothing() {
        UsageRow row;
        try (Meter meter = Meter.open(MeterFixture.options(database.ledger(folder), TraceStoreTest::withoutReceipts))) {
            row = MeterFixture.row(meter, 1);
            meter.commit(row, ORDER).join();
            assertThat(meter.traces().eraseRequest(row.requestId(), 1)).isTrue();
        }
        try (Meter meter = open();
                Database read = Database.open(database.location(folder))) {
            meter.drain(MeterFixture.PATIENCE);
            assertThat(meter.queries().receiptsOf(row.requestId())).hasSize(1);
            assertThat(meter.traces().find(row.requestId())).isEmpty();
            assertThat(read.query("SELECT count(*) AS n FROM trace WHERE replay IS NOT NULL", one -> one.getLong("n")))
                    .containsExactly(0L);
        }
    }
}
