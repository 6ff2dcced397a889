package org.openlora.meter.payout;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.payout.PayoutBook.Kept;
import org.openlora.meter.payout.PayoutBook.RoundState;

/// Brings planned rounds to the contract, each exactly once: a round is marked before it is sent, the contract takes an
/// identical one again without doing anything, and what happened is read from the contract's state, never from an
/// answer that may get lost.
public final class PayoutPoster {
    private final PayoutBook book;
    private final PayoutPool pool;
    private final LedgerContract ledger;
    private final Bytes32 poolId;

    /// @param ledger where the receipts' batches stand
    public PayoutPoster(PayoutBook book, PayoutPool pool, LedgerContract ledger) {
        this.book = book;
        this.pool = pool;
        this.ledger = ledger;
        this.poolId = pool.id();
    }

    /// Brings the book up to what the contract says.
    ///
    /// @throws PayoutException where the contract has a round that is not the book's
    public void reconcile(long nowMillis) {
        long onChain = pool.state().rounds();
        List<Kept> rounds = book.rounds(poolId);
        if (onChain > rounds.size()) {
            throw new PayoutException(
                    "the contract has " + onChain + " rounds of pool " + poolId + ", this ledger knows " + rounds.size()
                            + ": pay from the ledger that made them, or find out who has the submitter's key");
        }
        for (Kept kept : rounds) {
            PayoutRound round = kept.round();
            Optional<PayoutPool.Posted> posted = pool.round(round.number());
            if (posted.isEmpty()) {
                if (kept.state() != RoundState.PLANNED) {
                    book.sent(round); // never arrived, or a reorganisation took it back
                }
                continue;
            }
            if (!posted.get().root().equals(round.tree().root())
                    || !posted.get().dataHash().equals(round.dataHash())) {
                throw new PayoutException("round " + round.number() + " of pool " + poolId + " has root "
                        + posted.get().root() + " in the contract, not "
                        + round.tree().root() + ": have the guardian disable it and find out who posted it");
            }
            if (posted.get().disabled()) {
                book.disabled(round);
            } else if (kept.state() != RoundState.POSTED) {
                book.posted(round, Optional.empty(), nowMillis);
            }
        }
    }

    /// The number that the next plan has: that of a plan nobody has seen, else one more than the last.
    public long nextNumber() {
        List<Kept> rounds = book.rounds(poolId);
        boolean replaceable = !rounds.isEmpty() && rounds.getLast().state() == RoundState.PLANNED;
        return replaceable ? rounds.size() : rounds.size() + 1L;
    }

    /// The round that the next one goes on from: the last in the contract that is not disabled.
    ///
    /// @throws PayoutException where a round is on its way and may yet get there
    public Optional<PayoutRound> base() {
        List<Kept> rounds = book.rounds(poolId);
        for (Kept kept : rounds.reversed()) {
            switch (kept.state()) {
                case POSTED -> {
                    return Optional.of(kept.round());
                }
                case SENT ->
                    throw new PayoutException("round " + kept.round().number()
                            + " is on its way to the contract: post it again before the next is planned");
                case PLANNED, DISABLED -> {} // counts for nothing
            }
        }
        return Optional.empty();
    }

    /// The plan that waits to be posted, or the round that was on its way when an earlier run ended.
    public OptionalLong waiting() {
        return book.rounds(poolId).stream()
                .filter(kept -> kept.state() == RoundState.PLANNED || kept.state() == RoundState.SENT)
                .mapToLong(kept -> kept.round().number())
                .findFirst();
    }

    /// Posts a planned round, after it has been held against the ledger contract.
    ///
    /// @return the transaction, or empty where the round stood in the contract already
    /// @throws PayoutException where a batch that the round pays for is not anchored
    public Optional<Bytes32> post(long number, TransactionSender submitter, long nowMillis) {
        reconcile(nowMillis);
        Kept kept = book.round(poolId, number)
                .orElseThrow(() -> new PayoutException("there is no round " + number + ": plan it first"));
        if (kept.state() == RoundState.POSTED || kept.state() == RoundState.DISABLED) {
            return Optional.empty();
        }
        PayoutRound round = kept.round();
        for (AnchoredStream stream : round.streams()) {
            Bytes32 head = ledger.batch(pool.operatorId(), stream.stream(), stream.batches(), BlockReference.LATEST)
                    .head();
            if (!head.equals(stream.head())) {
                throw new PayoutException("round " + number + " pays for batch " + stream.batches() + " of stream "
                        + stream.stream() + " with head " + stream.head() + ", but the ledger contract has "
                        + (head.isZero() ? "no such batch" : head) + ": anchor first, or plan again");
            }
        }
        book.sent(round);
        Bytes32 transaction = pool.post(submitter, round).transactionHash();
        book.posted(round, Optional.of(transaction), nowMillis);
        return Optional.of(transaction);
    }
}
