package org.openlora.meter.chain;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.evm.Bytes32;

/// The flusher's memory of one (operator, stream), kept by the ledger. Each method that writes returns only when
/// the entry is durable; a transaction is sent after its attempt is recorded, never before.
public interface AttemptJournal {
    /// The chain this journal's batches went to, once the first attempt was made.
    Optional<ChainIdentity> identity();

    /// Ties the journal to a chain, once.
    void bind(ChainIdentity identity);

    /// Every attempt for a batch, oldest first.
    List<Attempt> attempts(long batchNumber);

    void recordAttempt(Attempt attempt);

    /// Greatest batch number that was seen applied at the chain's latest block; 0 for none. Falls with a
    /// reorganisation.
    long landedNumber();

    /// @param transactionHash of the attempt that carried the batch; [Bytes32#ZERO] where another process sent it
    ///     or where the chain was rolled back to this number
    void recordLanded(long batchNumber, Bytes32 transactionHash);

    /// Greatest batch number that was seen at a finalized block; never falls.
    long finalNumber();

    void recordFinal(long batchNumber);

    /// One signed transaction for a batch.
    ///
    /// @param nonce account nonce of the submitter
    /// @param rawTransaction signed EIP-1559 transaction as `0x…`; sent again unchanged where it went missing
    /// @param createdAtMillis milliseconds since the epoch
    record Attempt(
            long batchNumber,
            long nonce,
            Bytes32 transactionHash,
            String rawTransaction,
            BigInteger maxPriorityFeeWei,
            BigInteger maxFeeWei,
            long createdAtMillis) {}

    /// Chain and contract, by what survives restarts (a development chain's genesis hash does not).
    record ChainIdentity(long chainId, Bytes32 ledgerCodeHash) {}
}
