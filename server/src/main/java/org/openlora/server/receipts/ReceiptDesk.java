package org.openlora.server.receipts;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.api.v1.GetReceiptRequest;
import org.openlora.api.v1.Inclusion;
import org.openlora.api.v1.ListReceiptsRequest;
import org.openlora.api.v1.ListReceiptsResponse;
import org.openlora.api.v1.Receipt;
import org.openlora.api.v1.ReceiptCheck;
import org.openlora.api.v1.VerifyReceiptRequest;
import org.openlora.api.v1.VerifyReceiptResponse;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.RequestIds;

/// Answers questions about receipts, in the messages of `openlora.v1.Receipts`.
public final class ReceiptDesk {
    private static final int DEFAULT_LIMIT = 100;
    private static final int LARGEST_LIMIT = 1000;

    private final LedgerView ledger;
    private final Operator operator;
    private final ChainAccess chain;

    /// How to get at the chain, which is only asked when a receipt is verified.
    @FunctionalInterface
    public interface ChainAccess {
        /// @return empty where there is no chain
        /// @throws ChainException where it does not answer
        Optional<ChainLink> open();
    }

    public ReceiptDesk(LedgerView ledger, Operator operator, ChainAccess chain) {
        this.ledger = ledger;
        this.operator = operator;
        this.chain = chain;
    }

    /// The usage receipt of a request of this tenant.
    ///
    /// @throws Problem if there is none
    public Receipt get(GetReceiptRequest request, String tenant) {
        return message(find(request.getRequestId(), tenant));
    }

    /// A tenant's receipts in sequence.
    public ListReceiptsResponse list(ListReceiptsRequest request, String tenant) {
        int limit = request.hasLimit() ? request.getLimit() : DEFAULT_LIMIT;
        if (limit < 1 || limit > LARGEST_LIMIT) {
            throw new IllegalArgumentException("limit is %d: allowed is 1 to %d".formatted(limit, LARGEST_LIMIT));
        }
        Bytes32 account = operator.account(tenant);
        ListReceiptsResponse.Builder response = ListReceiptsResponse.newBuilder();
        long next = Math.max(1, request.getFromSeq());
        List<SignedReceipt> page = ledger.queries().receipts(next, limit);
        while (!page.isEmpty()) {
            for (SignedReceipt signed : page) {
                if (response.getReceiptsCount() == limit) {
                    return response.setNextSeq(signed.receipt().seq()).build();
                }
                if (signed.receipt().account().equals(account)) {
                    response.addReceipts(message(signed));
                }
            }
            next = page.getLast().receipt().seq() + 1;
            page = ledger.queries().receipts(next, limit);
        }
        return response.build();
    }

    /// Checks signature, payments, place in its batch, and the chain.
    public VerifyReceiptResponse verify(VerifyReceiptRequest request, String tenant) {
        SignedReceipt signed =
                switch (request.getReceiptCase()) {
                    case REQUEST_ID -> find(request.getRequestId(), tenant);
                    case PRESENTED ->
                        SignedReceipt.fromJson(request.getPresented().toByteArray());
                    case RECEIPT_NOT_SET ->
                        throw new IllegalArgumentException("give a request_id or a presented receipt to verify");
                };
        List<ReceiptCheck> checks = new ArrayList<>();
        checks.add(signature(signed));
        checks.add(payments(signed));
        Optional<SealedBatch> batch = batch(signed);
        checks.add(inclusion(signed, batch));
        checks.add(onChain(signed, batch));
        return VerifyReceiptResponse.newBuilder()
                .setValid(checks.stream().noneMatch(check -> check.getOutcome() == ReceiptCheck.Outcome.OUTCOME_FAILS))
                .addAllChecks(checks)
                .build();
    }

    private SignedReceipt find(String requestId, String tenant) {
        Bytes32 id = RequestIds.find(operator, tenant, requestId);
        Bytes32 account = operator.account(tenant);
        return ledger.queries().receiptsOf(id).stream()
                .filter(signed -> signed.receipt().kind() == ReceiptKind.USAGE)
                .filter(signed -> signed.receipt().account().equals(account))
                .findFirst()
                .orElseThrow(() -> new Problem(
                        "there is no receipt for request %s".formatted(requestId),
                        "check the id; a request that just ended has its receipt once it is scored"));
    }

    private Receipt message(SignedReceipt signed) {
        Receipt.Builder message = Receipt.newBuilder()
                .setCanonicalJson(ByteString.copyFrom(signed.toJson()).toStringUtf8())
                .setDigest(bytes(ReceiptCodec.digest(signed.domain(), signed.receipt())))
                .setSignature(ByteString.copyFrom(signed.signature().bytes()))
                .setSeq(signed.receipt().seq())
                .setRequestId(signed.receipt().requestId().toString())
                .setPricePico(signed.receipt().price());
        batch(signed).ifPresent(batch -> message.setInclusion(inclusionOf(signed, batch)));
        return message.build();
    }

    private Inclusion inclusionOf(SignedReceipt signed, SealedBatch batch) {
        Inclusion.Builder inclusion = Inclusion.newBuilder()
                .setBatch(batch.header().number())
                .setRoot(bytes(batch.header().root()));
        batch.proof(signed.receipt().seq()).siblings().forEach(sibling -> inclusion.addProof(bytes(sibling)));
        ledger.journal()
                .landedTransaction(batch.header().number())
                .ifPresent(hash -> inclusion.setTransactionHash(bytes(hash)));
        return inclusion.build();
    }

    private Optional<SealedBatch> batch(SignedReceipt signed) {
        return ledger.queries().batchOf(signed.receipt().seq()).flatMap(ledger::batch);
    }

    private ReceiptCheck signature(SignedReceipt signed) {
        String signer = signed.signer().map(Object::toString).orElse("nobody");
        return check(
                "signature",
                signed.domain().equals(operator.identity().domain()) && operator.signed(signed),
                "signed by %s; the operator is %s"
                        .formatted(signer, operator.key().address()));
    }

    private static ReceiptCheck payments(SignedReceipt signed) {
        long sum =
                signed.receipt().payments().stream().mapToLong(Payment::amount).sum();
        return check(
                "payments",
                sum == signed.receipt().price(),
                "%d payments sum to %d of the price %d"
                        .formatted(
                                signed.receipt().payments().size(),
                                sum,
                                signed.receipt().price()));
    }

    private static ReceiptCheck inclusion(SignedReceipt signed, Optional<SealedBatch> batch) {
        if (batch.isEmpty()) {
            return skipped("inclusion", "the receipt is in no batch yet");
        }
        long seq = signed.receipt().seq();
        boolean within = seq >= batch.get().header().firstSeq()
                && seq <= batch.get().header().lastSeq();
        MerkleProof proof = within ? batch.get().proof(seq) : new MerkleProof(List.of());
        return check(
                "inclusion",
                within && proof.verify(batch.get().header().root(), ReceiptCodec.leaf(signed.receipt())),
                "batch %d, root %s"
                        .formatted(
                                batch.get().header().number(),
                                batch.get().header().root()));
    }

    private ReceiptCheck onChain(SignedReceipt signed, Optional<SealedBatch> batch) {
        if (batch.isEmpty()) {
            return skipped("chain", "the receipt is in no batch yet");
        }
        try (ChainLink link = chain.open().orElse(null)) {
            if (link == null) {
                return skipped("chain", "there is no chain to ask");
            }
            return check(
                    "chain",
                    new Anchoring(ledger, operator, link).verify(batch.get(), signed),
                    "contract %s".formatted(link.contract().address()));
        } catch (ChainException e) {
            return skipped("chain", Problem.describe(e));
        }
    }

    private static ReceiptCheck check(String name, boolean holds, String detail) {
        return ReceiptCheck.newBuilder()
                .setName(name)
                .setOutcome(holds ? ReceiptCheck.Outcome.OUTCOME_HOLDS : ReceiptCheck.Outcome.OUTCOME_FAILS)
                .setDetail(detail)
                .build();
    }

    private static ReceiptCheck skipped(String name, String detail) {
        return ReceiptCheck.newBuilder()
                .setName(name)
                .setOutcome(ReceiptCheck.Outcome.OUTCOME_SKIPPED)
                .setDetail(detail)
                .build();
    }

    private static ByteString bytes(Bytes32 word) {
        return ByteString.copyFrom(word.bytes());
    }
}
