package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.Rerating;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.UsageCodec;
import org.openlora.meter.usage.UsageRow;

/// Receipts of a real ledger, priced again.
class ReratingTest {
    private static final int REQUESTS = 40;

    @TempDir
    private Path folder;

    private final Map<Bytes32, List<AdapterUsage>> adapters = new HashMap<>();
    private final List<Receipt> receipts = new ArrayList<>();
    private final List<AttributionRecord> records = new ArrayList<>();

    private void serve() {
        try (Meter meter = Meter.open(MeterFixture.options(LedgerLocation.of(folder)))) {
            for (int i = 1; i <= REQUESTS; i++) {
                UsageRow row = MeterFixture.row(meter, i);
                adapters.put(row.requestId(), UsageCodec.adapters(UsageCodec.toJson(row)));
                meter.commit(row).join();
            }
            meter.drain(Duration.ofSeconds(30));
            for (SignedReceipt signed : meter.queries().receipts(1, REQUESTS)) {
                receipts.add(signed.receipt());
                records.add(meter.queries().attribution(signed.receipt().seq()).orElseThrow());
            }
        }
        assertThat(receipts).hasSize(REQUESTS);
    }

    private Rerating.Result rerate(PriceBook book) {
        Rerating rerating = new Rerating(book);
        PayeeTable payees = PayeeTable.of(MeterFixture.datanets());
        for (int i = 0; i < REQUESTS; i++) {
            rerating.add(
                    receipts.get(i),
                    adapters.getOrDefault(receipts.get(i).requestId(), List.of()),
                    records.get(i),
                    payees);
        }
        return rerating.result();
    }

    @Test
    void sameBook_changesNothing() {
        serve();
        Rerating.Result result = rerate(MeterFixture.priceBook());
        assertThat(result.receipts()).isEqualTo(REQUESTS);
        assertThat(result.whole().differencePico()).isZero();
        assertThat(result.whole().billedPico())
                .isEqualTo(BigInteger.valueOf(
                        receipts.stream().mapToLong(Receipt::price).sum()));
        assertThat(result.parties()).isNotEmpty().allSatisfy((party, amounts) -> assertThat(amounts.differencePico())
                .isZero());
        assertThat(result.otherRules()).isZero();
    }

    @Test
    void dearerBook_isSplitToTheLastUnit() throws Exception {
        serve();
        String text = Files.readString(Path.of(System.getProperty("openlora.root", ".."), "config", "pricebook.yaml"));
        PriceBook dearer = PriceBook.parse(
                "dearer",
                text.replace("fixedPico: 1000000", "fixedPico: 1000007")
                        .replace("2026-01-01", "2099-01-01")
                        .replace("lambdaPpm: 700000", "lambdaPpm: 1"));
        Rerating.Result result = rerate(dearer);
        assertThat(result.whole().differencePico()).isEqualTo(BigInteger.valueOf(7L * REQUESTS));
        BigInteger sum = result.parties().values().stream()
                .map(Rerating.Amounts::proposedPico)
                .reduce(BigInteger.ZERO, BigInteger::add);
        assertThat(sum).isEqualTo(result.whole().proposedPico());
        assertThat(result.otherRules()).isEqualTo(REQUESTS);
    }

    @Test
    void withoutTheOwners_isNoticed() {
        serve();
        adapters.replaceAll((request, used) -> used.stream()
                .map(adapter -> new AdapterUsage(adapter.use(), adapter.lineage(), null))
                .toList());
        assertThat(rerate(MeterFixture.priceBook()).parties())
                .anySatisfy(
                        (party, amounts) -> assertThat(amounts.differencePico()).isNotZero());
    }
}
