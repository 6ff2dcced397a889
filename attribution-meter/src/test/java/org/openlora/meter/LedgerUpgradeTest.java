package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptFixtures;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// A ledger of the first version is brought up to date when it is opened.
class LedgerUpgradeTest {
    @TempDir
    private Path folder;

    private static final UsageRow WAITING =
            Fixtures.row("waiting", List.of(), new int[] {1}, new int[] {2}, 0, Fixtures.versions(List.of()));

    private static SignedReceipt receipt() {
        Receipt usage = Stream.generate(new Random(3)::nextInt)
                .map(seed -> ReceiptFixtures.receipt(new Random(seed), MeterFixture.IDENTITY.stream(), 1, Bytes32.ZERO))
                .filter(receipt -> receipt.kind() == ReceiptKind.USAGE)
                .findFirst()
                .orElseThrow();
        return SignedReceipt.sign(usage, MeterFixture.IDENTITY.domain(), MeterFixture.KEY);
    }

    private void writeFirstVersion(SignedReceipt receipt) throws SQLException {
        String url = "jdbc:sqlite:" + folder.resolve("ledger.db");
        Flyway.configure()
                .dataSource(url, "", "")
                .locations("classpath:db/migration/sqlite")
                .target("1")
                .load()
                .migrate();
        String usage =
                "INSERT INTO usage (source, request_id, body_hash, body, include_by, acknowledgement, prompt_ids,"
                        + " output_ids, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        byte[] ids = WAITING.prompt().bytes();
        try (Connection connection = DriverManager.getConnection(url)) {
            Database.update(
                    connection,
                    usage,
                    "node-1",
                    receipt.receipt().requestId(),
                    Fixtures.word("body"),
                    "{}",
                    1L,
                    new byte[0],
                    ids,
                    ids,
                    1);
            Database.update(
                    connection,
                    usage,
                    WAITING.source(),
                    WAITING.requestId(),
                    UsageCodec.hash(WAITING),
                    UsageCodec.toJson(WAITING),
                    WAITING.servedToMillis(),
                    new byte[0],
                    ids,
                    ids,
                    0);
            Database.update(
                    connection,
                    "INSERT INTO receipt (stream, seq, struct_hash, request_id, usage_id, signed, attribution)"
                            + " VALUES (?, 1, ?, ?, 1, ?, ?)",
                    MeterFixture.IDENTITY.stream(),
                    ReceiptCodec.structHash(receipt.receipt()),
                    receipt.receipt().requestId(),
                    receipt.toJson(),
                    new byte[0]);
            Database.update(
                    connection,
                    "INSERT INTO audit (at, kind, source, request_id, detail) VALUES (7, 'old', 'node-1', ?, 'told')",
                    Fixtures.word("request"));
        }
    }

    @Test
    void open_firstVersion_keepsEverythingAndChainsTheAudit() throws SQLException {
        SignedReceipt receipt = receipt();
        writeFirstVersion(receipt);
        for (int opening = 0; opening < 2; opening++) {
            try (Ledger ledger = Ledger.open(LedgerLocation.of(folder), MeterFixture.IDENTITY)) {
                assertThat(ledger.queries().verify(MeterFixture.operator())).isEqualTo(1);
                assertThat(ledger.queries().verifyAudit()).isEqualTo(1);
                assertThat(ledger.queries().audit().getFirst().event().detail()).isEqualTo("told");
                assertThat(ledger.waitingUsage(10)).singleElement().satisfies(waiting -> assertThat(
                                waiting.row().requestId())
                        .isEqualTo(WAITING.requestId()));
                assertThat(ledger.database().query("SELECT served_to FROM receipt", row -> row.getLong("served_to")))
                        .containsExactly(receipt.receipt().servedTo());
            }
        }
    }
}
