package org.openlora.meter.audit;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.audit.AuditedReceipt.Check;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.usage.UsageRow;

/// Holds receipts of a ledger against all that they can be checked with. Used by one thread.
public final class Auditor {
    private final AttachedLedger ledger;
    private final AuditRecords records;
    private final Address operator;
    private final Recomputation recomputation;
    private final AuditText.Source texts;
    private final AnswerReplay replay;
    private @Nullable OpenBatch opened; // audits go by number: mostly the same batch again

    private record OpenBatch(SealedBatch batch, MerkleTree tree, Outcome file) {}

    /// @param operator who must have signed
    /// @param texts who may still have the tokens
    public Auditor(
            AttachedLedger ledger,
            AuditRecords records,
            Address operator,
            Recomputation recomputation,
            AuditText.Source texts,
            AnswerReplay replay) {
        this.ledger = ledger;
        this.records = records;
        this.operator = operator;
        this.recomputation = recomputation;
        this.texts = texts;
        this.replay = replay;
    }

    /// Makes all checks of one receipt.
    ///
    /// @throws java.util.NoSuchElementException where there is none of that number
    /// @throws LedgerException where the ledger cannot be read
    public AuditedReceipt audit(long seq) {
        RecordedReceipt recorded;
        try {
            recorded = records.require(seq);
        } catch (IllegalArgumentException e) {
            Outcome unreadable = new Outcome.Disagrees("it cannot be read: " + e.getMessage());
            return new AuditedReceipt(seq, Bytes32.ZERO, List.of(new Check(CheckName.SIGNATURE, unreadable)));
        }
        Receipt receipt = recorded.signed().receipt();
        List<Check> checks = new ArrayList<>();
        checks.add(new Check(CheckName.SIGNATURE, signature(recorded)));
        checks.add(new Check(CheckName.LINK, link(receipt)));
        checks.add(new Check(CheckName.INCLUSION, inclusion(seq, receipt)));
        AuditText text = texts.find(receipt).orElse(null);
        Recomputation.Result result = recomputation.of(recorded, text);
        checks.addAll(result.checks());
        checks.add(new Check(CheckName.REPLAY, replay(result.row(), text)));
        return new AuditedReceipt(seq, receipt.requestId(), checks);
    }

    private Outcome signature(RecordedReceipt recorded) {
        SignedReceipt signed = recorded.signed();
        if (!signed.isSignedBy(operator)) {
            return new Outcome.Disagrees("not signed by " + operator);
        }
        return ReceiptCodec.structHash(signed.receipt()).equals(recorded.structHash())
                ? new Outcome.Agrees("by " + operator)
                : new Outcome.Disagrees("the ledger keeps it under another hash: " + recorded.structHash());
    }

    private Outcome link(Receipt receipt) {
        if (receipt.seq() == 1) {
            return receipt.prevReceipt().isZero()
                    ? new Outcome.Agrees("the first of its stream")
                    : new Outcome.Disagrees("the first of its stream names one before it");
        }
        Optional<RecordedReceipt> before = records.find(receipt.seq() - 1);
        if (before.isEmpty()) {
            return new Outcome.Disagrees("receipt " + (receipt.seq() - 1) + " is missing");
        }
        Bytes32 hash = ReceiptCodec.structHash(before.get().signed().receipt());
        return hash.equals(receipt.prevReceipt())
                ? new Outcome.Agrees("follows on receipt " + (receipt.seq() - 1))
                : new Outcome.Disagrees("does not follow on receipt " + (receipt.seq() - 1));
    }

    /// @param seq the number that the ledger keeps it under, whatever the receipt says
    private Outcome inclusion(long seq, Receipt receipt) {
        Optional<Long> number = ledger.queries().batchOf(seq);
        if (number.isEmpty()) {
            return new Outcome.NotChecked("in no batch yet");
        }
        OpenBatch open;
        try {
            open = open(number.get());
        } catch (LedgerException | IllegalArgumentException e) {
            return new Outcome.Disagrees("batch " + number.get() + " cannot be made again: " + e.getMessage());
        }
        long first = open.batch().header().firstSeq();
        if (seq < first || seq > open.batch().header().lastSeq()) {
            return new Outcome.Disagrees("batch " + number.get() + " does not hold receipt " + seq);
        }
        boolean included = open.tree()
                .proof((int) (seq - first))
                .verify(open.batch().header().root(), ReceiptCodec.leaf(receipt));
        if (!included) {
            return new Outcome.Disagrees("not under the root of batch " + number.get() + ", "
                    + open.batch().header().root());
        }
        return open.file();
    }

    private OpenBatch open(long number) {
        OpenBatch known = opened;
        if (known == null || known.batch().header().number() != number) {
            SealedBatch batch = ledger.batch(number)
                    .orElseThrow(() ->
                            new LedgerException(LedgerException.Reason.DAMAGED, "batch " + number + " is missing"));
            known = new OpenBatch(batch, batch.tree(), file(batch));
            opened = known;
        }
        return known;
    }

    /// Whether the published file is the one whose hash was committed.
    private static Outcome file(SealedBatch batch) {
        String name = "batch " + batch.header().number();
        try {
            byte[] bytes = Files.readAllBytes(batch.file());
            return Keccak256.hash(bytes).equals(batch.header().dataHash())
                    ? new Outcome.Agrees(name + ", root " + batch.header().root())
                    : new Outcome.Disagrees("the file of " + name + " has another hash than its header says");
        } catch (IOException e) {
            return new Outcome.Disagrees("the file of " + name + " cannot be read: " + e.getMessage());
        }
    }

    private Outcome replay(@Nullable UsageRow row, @Nullable AuditText text) {
        if (row == null || text == null) {
            return new Outcome.NotChecked("without the text there is nothing to draw again");
        }
        return text.replay() == null
                ? new Outcome.NotChecked("how the answer was drawn is not recorded")
                : replay.replay(row, text.replay());
    }
}
