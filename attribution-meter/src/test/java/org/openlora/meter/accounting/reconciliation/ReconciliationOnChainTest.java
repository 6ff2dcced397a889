package org.openlora.meter.accounting.reconciliation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.accounting.TestLedger;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.TestChain;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.ledger.LedgerLocation;

/// The same against the contract on a real EVM. Without anvil this is skipped.
class ReconciliationOnChainTest {
    private final TestChain chain = TestChain.require();
    private final TestChain.Operator operator = chain.operator();

    @TempDir
    private Path folder;

    @Test
    void foreignBatchOnChain_isTheWrongRoot() {
        try (TestLedger ledger = TestLedger.open(LedgerLocation.of(folder), operator.id())) {
            ledger.serve(3, TestLedger.FIRST_TENANT, TestLedger.NOVEMBER).seal();
            commit(header(ledger, 1));
            ReconciliationReport clean = reconcile(ledger);
            assertThat(clean.breaks()).isEmpty();
            assertThat(clean.scope().batchesOnChain()).isEqualTo(1);
            assertThat(clean.scope().events()).isEqualTo(1);

            ledger.serve(2, TestLedger.FIRST_TENANT, TestLedger.NOVEMBER).seal();
            BatchHeader ours = header(ledger, 2);
            commit(new BatchHeader(
                    ours.number(),
                    ours.operatorId(),
                    ours.stream(),
                    ours.firstSeq(),
                    ours.lastSeq(),
                    ours.count(),
                    ours.fromTs(),
                    ours.toTs(),
                    ours.gross(),
                    ours.creditTotal(),
                    ours.promptTokens(),
                    ours.generatedTokens(),
                    ours.priceBookHash(),
                    Fixtures.word("a root of other receipts"),
                    ours.dataHash(),
                    ours.dataUri()));
            assertThat(reconcile(ledger).breaks()).singleElement().satisfies(found -> {
                assertThat(found.kind()).isEqualTo(BreakKind.CHAIN_ROOT_WRONG);
                assertThat(found.subject()).hasToString("batch 2");
                assertThat(found.expected()).isEqualTo("root " + ours.root());
            });
        }
    }

    private static BatchHeader header(TestLedger ledger, long number) {
        return ledger.meter().batch(number).orElseThrow().header();
    }

    private void commit(BatchHeader header) {
        new TransactionSender(chain.chain.rpc(), operator.submitter(), Duration.ofSeconds(20))
                .send(chain.ledger.address(), LedgerContract.commitBatchCall(header));
    }

    private ReconciliationReport reconcile(TestLedger ledger) {
        return Reconciliation.withChain(
                        ledger.database(), ledger.folder(), ledger.operators(), ChainRecord.of(chain.ledger))
                .run(TestLedger.NOVEMBER + 60_000);
    }
}
