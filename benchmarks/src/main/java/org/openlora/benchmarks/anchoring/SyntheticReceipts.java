package org.openlora.benchmarks.anchoring;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evidence.Distribution;
import org.openlora.meter.evidence.Target;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.PendingUsage;
import org.openlora.meter.ledger.ScoredUsage;
import org.openlora.meter.ledger.StoredUsage;
import org.openlora.meter.ledger.UsageReceipts;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// Usage that nobody caused, brought through the ledger the way real usage goes: acknowledged, made durable, priced,
/// signed, linked. The same seed gives the same receipts.
final class SyntheticReceipts {
    private static final int AT_ONCE = 500;
    private static final long SERVED_AT_MILLIS = 1_790_000_000_000L;
    private static final AttributionRules RULES = new AttributionRules(500_000, 24, 8, 200_000);

    private final LedgerIdentity identity;
    private final Random random;
    private int made;

    SyntheticReceipts(LedgerIdentity identity, long seed) {
        this.identity = identity;
        this.random = new Random(seed);
    }

    /// Adds receipts to the end of the ledger's stream.
    ///
    /// @param progress told how many are done
    void add(Ledger ledger, int receipts, LongConsumer progress) {
        for (int done = 0; done < receipts; ) {
            int chunk = Math.min(AT_ONCE, receipts - done);
            List<PendingUsage> pending = new ArrayList<>(chunk);
            for (int i = 0; i < chunk; i++) {
                pending.add(pending());
            }
            ledger.commitUsage(pending, SERVED_AT_MILLIS);
            List<ScoredUsage> scored = new ArrayList<>(chunk);
            for (StoredUsage usage : ledger.waitingUsage(chunk)) {
                scored.add(new ScoredUsage.Priced(usage, attribution(usage.row()), price()));
            }
            ledger.recordScored(scored, SERVED_AT_MILLIS);
            done += chunk;
            progress.accept(done);
        }
    }

    private PendingUsage pending() {
        long from = SERVED_AT_MILLIS + made++;
        UsageRow row = new UsageRow(
                word(),
                "synthetic",
                word(),
                address(),
                from,
                from + random.nextInt(1000),
                word(),
                word(),
                word(),
                List.of(),
                TokenIds.of(random.ints(8, 0, 1000).toArray()),
                TokenIds.of(random.ints(16, 0, 1000).toArray()),
                random.nextInt(8),
                0,
                word(),
                new ScoringVersions(word(), List.of(), word(), word()));
        return PendingUsage.of(
                row,
                SignedAcknowledgement.sign(
                        UsageReceipts.acknowledgement(row, from + 86_400_000), identity.domain(), identity.signer()));
    }

    private AttributionRecord attribution(UsageRow row) {
        int tokens = row.output().size();
        return new AttributionRecord(
                row.versions().scorer(),
                row.tokenizerDigest(),
                word(),
                RULES,
                List.of(),
                List.of(new Target(Target.Kind.TREASURY, Target.NO_DATANET, Bytes32.ZERO)),
                new Distribution(List.of(0), List.of(AttributionRules.WHOLE_PPM)),
                List.of(),
                Collections.nCopies(tokens, -1),
                List.of((long) AttributionRules.WHOLE_PPM * tokens));
    }

    private PricedUsage price() {
        List<Payment> payments = new ArrayList<>();
        long price = 0;
        for (Role role : List.of(Role.BASE_OWNER, Role.OPERATOR, Role.PLATFORM, Role.TREASURY)) {
            long amount = 1L + random.nextInt(1_000_000_000);
            payments.add(new Payment(address(), role, word(), amount));
            price += amount;
        }
        return new PricedUsage(price, payments);
    }

    private Bytes32 word() {
        return new Bytes32(random.nextLong(), random.nextLong(), random.nextLong(), random.nextLong());
    }

    private Address address() {
        byte[] bytes = new byte[Address.SIZE_BYTES];
        random.nextBytes(bytes);
        return Address.of(bytes);
    }
}
