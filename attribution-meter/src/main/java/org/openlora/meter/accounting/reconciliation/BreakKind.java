package org.openlora.meter.accounting.reconciliation;

import java.util.Locale;

/// What can be wrong with a ledger, and what to do about it.
public enum BreakKind {
    RECEIPT_MISSING("take the receipt from its batch file or from the payer; without either, restore a backup"),
    RECEIPT_DOUBLED("credit the second receipt in full"),
    RECEIPT_ALTERED("put the signed bytes back from the batch file, or from the payer's copy"),
    LINK_BROKEN("find which of the two receipts was replaced; the payer's copies and the batch file tell"),
    PAYMENTS_ALTERED("write the payment rows again from the signed receipt, which is what counts"),
    ATTRIBUTION_ALTERED("put the per-token record back from a backup; its digest stands in the receipt"),
    USAGE_MISSING("put the usage row back from a backup; the receipt stands without it but cannot be recomputed"),
    PROMISE_BROKEN("credit what the receipt bills beyond the signed acknowledgement"),
    RECEIPT_OVERDUE("start a server on this ledger to score the request, or mend what quarantined it"),
    PRICE_BOOK_MISSING("put the price book back under its digest from the file it was read from"),
    PRICE_BOOK_WRONG("credit the receipt and debit by the price book that was in force"),
    PRICE_WRONG("credit or debit the difference to the recomputed price"),
    CORRECTION_UNFOUNDED("find the receipt that is corrected, or take the correction back by its opposite"),
    CORRECTION_EXCEEDS("debit what the credits gave back beyond the receipt's price"),
    BATCH_MISSING("restore the batch's row from the chain's event and its file"),
    BATCH_OVERDUE("run openlora receipts anchor, or see why the server does not seal"),
    BATCH_MEMBERSHIP_WRONG("set the receipt's batch to the one whose range holds it"),
    BATCH_ROOT_WRONG("the receipts are not those that were sealed: compare them with the batch file"),
    BATCH_HEAD_WRONG("restore the batch's row from the chain's event"),
    BATCH_FILE_MISSING("write the file again from the ledger; its name is the hash it must have"),
    BATCH_FILE_ALTERED("write the file again from the ledger; its name is the hash it must have"),
    ANCHOR_MISSING("run openlora receipts anchor; where the ledger says that it landed, check chain.endpoint"),
    CHAIN_AHEAD("this ledger was restored from an old backup or another one writes the same stream: stop anchoring"),
    CHAIN_ROOT_WRONG("somebody anchored another batch under this number: stop anchoring and find who has the key"),
    CHAIN_TOTALS_WRONG("the anchored totals are not those of the receipts: stop anchoring and find who has the key"),
    CHAIN_HEADER_WRONG("the anchored header is not the sealed one: stop anchoring and find who has the key"),
    EVENT_MISSING("ask another node for the logs; state and events of one block cannot disagree"),
    EVENT_DOUBLED("ask another node for the logs; the contract takes a number once"),
    PAYOUT_ALTERED("take the round's document from where it was published; its hash stands in the contract"),
    PAYOUT_TOTALS_WRONG("disable the round while it is not claimable yet, then plan it again"),
    AUDIT_BROKEN("compare the administrators' log with a backup; entries were changed or removed");

    private final String remedy;

    BreakKind(String remedy) {
        this.remedy = remedy;
    }

    /// What to do about it.
    public String remedy() {
        return remedy;
    }

    /// As reports spell it, such as `receipt-missing`.
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
