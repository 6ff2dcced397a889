package org.openlora.meter.ledger;

import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.database.LedgerException.Reason;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;

/// A sealed run of one stream's receipts. It holds the header alone; receipts are read from the ledger page by page,
/// and a proof needs their hashes only.
public final class SealedBatch {
    private static final int PAGE = 1_000;

    private final BatchHeader header;
    private final Bytes32 previousHead;
    private final Bytes32 head;
    private final Path file;
    private final LedgerQueries queries;
    private @Nullable MerkleTree tree;

    SealedBatch(BatchHeader header, Bytes32 previousHead, Path file, LedgerQueries queries) {
        this.header = header;
        this.previousHead = previousHead;
        this.head = header.head(previousHead);
        this.file = file;
        this.queries = queries;
    }

    public BatchHeader header() {
        return header;
    }

    /// The head chain's link before this batch; zero for the first batch.
    public Bytes32 previousHead() {
        return previousHead;
    }

    /// This batch's link of the head chain.
    public Bytes32 head() {
        return head;
    }

    /// The published batch file.
    public Path file() {
        return file;
    }

    /// The receipts in the order of their sequence numbers, read as they are asked for.
    public Iterable<SignedReceipt> receipts() {
        return () -> new Pages(queries, header.firstSeq(), header.lastSeq());
    }

    /// The tree over the receipts' leaves, in the order of their sequence numbers.
    ///
    /// @throws LedgerException where the ledger's hashes do not give the root that was sealed
    public synchronized MerkleTree tree() {
        MerkleTree known = tree;
        if (known != null) {
            return known;
        }
        MerkleTree built = MerkleTree.of(queries.structHashes(header.firstSeq(), header.lastSeq()).stream()
                .map(ReceiptCodec::leaf)
                .toList());
        if (!built.root().equals(header.root())) {
            throw new LedgerException(
                    Reason.DAMAGED,
                    "the receipts of batch " + header.number() + " have the root " + built.root()
                            + ", but were sealed under " + header.root());
        }
        tree = built;
        return built;
    }

    /// Proof that a receipt stands in this batch.
    ///
    /// @throws IllegalArgumentException where it does not
    public MerkleProof proof(long seq) {
        if (seq < header.firstSeq() || seq > header.lastSeq()) {
            throw new IllegalArgumentException("receipt " + seq + " is not in batch " + header.number()
                    + ", which holds " + header.firstSeq() + " to " + header.lastSeq());
        }
        return tree().proof((int) (seq - header.firstSeq()));
    }

    /// Two are equal where the same was sealed after the same.
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof SealedBatch batch
                && header.equals(batch.header)
                && previousHead.equals(batch.previousHead)
                && file.equals(batch.file);
    }

    @Override
    public int hashCode() {
        return head.hashCode();
    }

    @Override
    public String toString() {
        return "SealedBatch[" + header + "]";
    }

    /// Reads a run of receipts a page at a time.
    static final class Pages implements Iterator<SignedReceipt> {
        private final LedgerQueries queries;
        private final long lastSeq;
        private long nextSeq;
        private Iterator<SignedReceipt> page = List.<SignedReceipt>of().iterator();

        Pages(LedgerQueries queries, long firstSeq, long lastSeq) {
            this.queries = queries;
            this.nextSeq = firstSeq;
            this.lastSeq = lastSeq;
        }

        @Override
        public boolean hasNext() {
            return nextSeq <= lastSeq;
        }

        @Override
        public SignedReceipt next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            if (!page.hasNext()) {
                page = queries.receipts(nextSeq, (int) Math.min(PAGE, lastSeq - nextSeq + 1))
                        .iterator();
            }
            if (!page.hasNext()) {
                throw new LedgerException(Reason.DAMAGED, "receipt " + nextSeq + " is missing");
            }
            SignedReceipt receipt = page.next();
            nextSeq++;
            return receipt;
        }
    }
}
