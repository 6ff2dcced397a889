package org.openlora.server.quickstart;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import org.openlora.api.v1.InferenceGrpc.InferenceBlockingStub;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.LedgerQueries;
import org.openlora.meter.ledger.QuarantinedUsage;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.Anchoring;
import org.openlora.server.receipts.ChainLink;
import org.openlora.server.receipts.LedgerView;
import org.openlora.server.serving.ServedAdapter;
import org.openlora.server.serving.ServingStack;

/// Serves a mixed batch and follows it to the end: answers side by side, who wrote what, who earned what, receipts
/// sealed, anchored and verified. Any step that does not hold ends it with a [Problem].
public final class Quickstart {
    private static final Duration SCORING_LIMIT = Duration.ofSeconds(60);
    private static final double PICO = 1e12;

    private final ServingStack stack;
    private final Tenant tenant;
    private final Supplier<InferenceBlockingStub> client;
    private final Supplier<Optional<ChainLink>> chain;
    private final Duration landingLimit;
    private final Terminal terminal;

    /// @param client a client of the server in front of `stack`
    /// @param chain opens the chain; empty where none can be started
    /// @param landingLimit within which a batch must be on the chain
    public Quickstart(
            ServingStack stack,
            Tenant tenant,
            Supplier<InferenceBlockingStub> client,
            Supplier<Optional<ChainLink>> chain,
            Duration landingLimit,
            Terminal terminal) {
        this.stack = stack;
        this.tenant = tenant;
        this.client = client;
        this.chain = chain;
        this.landingLimit = landingLimit;
        this.terminal = terminal;
    }

    /// What became of one request.
    private record Settled(Answer answer, SignedReceipt signed, AttributionRecord attribution) {}

    /// How far the batch came.
    private record Settlement(boolean anchored, Optional<Bytes32> transaction) {}

    /// Runs all of it.
    ///
    /// @param prompts `examples/prompts.yaml`
    public QuickstartReport run(Path prompts) {
        long startNanos = System.nanoTime();
        List<ServedAdapter> adapters = stack.adapters(tenant);
        QuickstartPlan plan = QuickstartPlan.read(prompts, adapters);
        terminal.heading("%d requests in one batch, on %s"
                .formatted(plan.items().size(), stack.model().name()));
        plan.items().stream()
                .map(QuickstartPlan.Item::prompt)
                .distinct()
                .forEach(prompt -> terminal.line("  \"%s\"".formatted(prompt)));
        terminal.line("");
        List<Answer> answers = answers(plan);
        stack.meter().drain(SCORING_LIMIT);
        List<Settled> settled = answers.stream().map(this::settled).toList();

        People people = new People(stack.datanets(), names(adapters));
        showAttribution(settled, people);
        showEarnings(settled, people);
        SealedBatch batch = seal();
        Settlement settlement = anchor(batch);
        return report(settled, batch, settlement, System.nanoTime() - startNanos);
    }

    private static Map<Bytes32, String> names(List<ServedAdapter> adapters) {
        Map<Bytes32, String> names = new HashMap<>();
        for (ServedAdapter adapter : adapters) {
            if (adapter instanceof ServedAdapter.Ready ready) {
                names.put(Bytes32.of(ready.digest().bytes()), ready.name());
            }
        }
        return names;
    }

    private List<Answer> answers(QuickstartPlan plan) {
        AnswerBoard board = new AnswerBoard(
                terminal, plan.items().stream().map(QuickstartPlan.Item::label).toList());
        List<Answer> answers = new ArrayList<>();
        try (ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor()) {
            InferenceBlockingStub stub = client.get();
            List<Future<Answer>> open = new ArrayList<>();
            for (int i = 0; i < plan.items().size(); i++) {
                open.add(calls.submit(new AnswerCall(stub, plan.items().get(i), i, board)));
            }
            for (Future<Answer> future : open) {
                answers.add(future.get());
            }
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Problem("the quickstart was interrupted", "run it again", e);
        }
        return answers;
    }

    private Settled settled(Answer answer) {
        LedgerQueries queries = stack.meter().queries();
        Bytes32 requestId = Bytes32.parse(answer.requestId());
        SignedReceipt signed = queries.receiptsOf(requestId).stream()
                .findFirst()
                .orElseThrow(() -> new Problem(
                        "the request of %s has no receipt: %s"
                                .formatted(answer.item().label(), reason(queries, requestId)),
                        "correct what is named there"));
        if (signed.receipt().generatedTokens() != answer.tokenIds().size()) {
            throw new Problem(
                    "%d tokens were streamed for %s and %d stand in its receipt"
                            .formatted(
                                    answer.tokenIds().size(),
                                    answer.item().label(),
                                    signed.receipt().generatedTokens()),
                    "please report this");
        }
        AttributionRecord attribution = queries.attribution(signed.receipt().seq())
                .orElseThrow(() -> new IllegalStateException("receipt %d has no attribution record"
                        .formatted(signed.receipt().seq())));
        return new Settled(answer, signed, attribution);
    }

    private static String reason(LedgerQueries queries, Bytes32 requestId) {
        return queries.quarantined().stream()
                .filter(row -> row.requestId().equals(requestId))
                .map(QuarantinedUsage::reason)
                .findFirst()
                .orElse("it was not scored");
    }

    /// The answer in which most stands by evidence.
    private void showAttribution(List<Settled> settled, People people) {
        Settled best = settled.stream()
                .max(Comparator.comparingInt((Settled one) -> one.attribution().evidenceTokens()))
                .orElseThrow();
        terminal.heading("Who wrote what %s says".formatted(best.answer().item().label()));
        new AttributedText(terminal, people, stack::decode).show(best.answer(), best.attribution());
    }

    private void showEarnings(List<Settled> settled, People people) {
        Map<String, Long> earned = new TreeMap<>();
        long price = 0;
        for (Settled one : settled) {
            price = Math.addExact(price, one.signed().receipt().price());
            for (Payment payment : one.signed().receipt().payments()) {
                earned.merge(people.payee(payment), payment.amount(), Math::addExact);
            }
        }
        long whole = price;
        terminal.heading("Who earned what, all %d requests together".formatted(settled.size()));
        earned.entrySet().stream()
                .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                .forEach(entry -> terminal.line("  %14.12f  %5.1f %%  %s"
                        .formatted(entry.getValue() / PICO, 100.0 * entry.getValue() / whole, entry.getKey())));
        terminal.line("  %14.12f  100.0 %%  paid for all of it".formatted(whole / PICO));
        long sum = earned.values().stream().mapToLong(Long::longValue).sum();
        if (sum != whole) {
            throw new Problem(
                    "payments of %d do not sum to the price of %d".formatted(sum, whole), "please report this");
        }
    }

    /// Seals the receipts and checks signatures and links of the stream, and each receipt's proof against the root.
    private SealedBatch seal() {
        SealedBatch batch = stack.meter()
                .seal()
                .orElseThrow(() -> new Problem("there is no receipt to seal", "run it again with --debug"));
        stack.meter().queries().verify(stack.operator().accounts().signers());
        for (SignedReceipt signed : batch.receipts()) {
            boolean holds = batch.proof(signed.receipt().seq())
                    .verify(batch.header().root(), ReceiptCodec.leaf(signed.receipt()));
            if (!holds) {
                throw new Problem(
                        "receipt %d is not under its batch's root"
                                .formatted(signed.receipt().seq()),
                        "please report this");
            }
        }
        terminal.heading("Receipts");
        terminal.line("  sealed       %d receipts, signed and linked, in batch %d"
                .formatted(batch.header().count(), batch.header().number()));
        terminal.line("  Merkle root  " + batch.header().root());
        return batch;
    }

    private Settlement anchor(SealedBatch batch) {
        Optional<ChainLink> opened = chain.get();
        if (opened.isEmpty()) {
            terminal.line("  not anchored: no chain could be started; every proof holds locally");
            return new Settlement(false, Optional.empty());
        }
        try (ChainLink link = opened.get()) {
            Anchoring anchoring = new Anchoring(LedgerView.of(stack.meter()), stack.operator(), link);
            Optional<Bytes32> transaction = anchoring.anchor(batch.header().number(), landingLimit);
            for (SignedReceipt signed : batch.receipts()) {
                if (!anchoring.verify(batch, signed)) {
                    throw new Problem(
                            "the contract does not find receipt %d in its batch"
                                    .formatted(signed.receipt().seq()),
                            "please report this");
                }
            }
            terminal.line("  anchored     on chain %d, in contract %s"
                    .formatted(link.contract().chainId(), link.contract().address()));
            terminal.line("  transaction  " + transaction.map(Bytes32::toString).orElse("sent by another process"));
            terminal.line("  verified     the contract finds every receipt in the batch and takes its signature");
            return new Settlement(true, transaction);
        }
    }

    private QuickstartReport report(List<Settled> settled, SealedBatch batch, Settlement settlement, long nanos) {
        List<QuickstartReport.Request> requests = new ArrayList<>();
        for (Settled one : settled) {
            Answer answer = one.answer();
            requests.add(new QuickstartReport.Request(
                    answer.item().adapter(),
                    answer.adapterDigest().isEmpty() ? null : answer.adapterDigest(),
                    answer.item().prompt(),
                    answer.text(),
                    answer.tokenIds().size(),
                    answer.requestId(),
                    one.signed().receipt().price(),
                    one.attribution().evidenceTokens()));
        }
        return new QuickstartReport(
                stack.model().name(),
                stack.model().baseDigest().toString(),
                requests,
                batch.header().count(),
                batch.header().count(),
                batch.header().number(),
                batch.header().root().toString(),
                settlement.transaction().map(Bytes32::toString).orElse(null),
                settlement.anchored(),
                settlement.anchored(),
                stack.operator().identity().domain().chainId(),
                stack.operator().identity().domain().verifyingContract().toString(),
                requests.stream().mapToLong(QuickstartReport.Request::pricePico).sum(),
                Math.round(nanos / 1e7) / 100.0);
    }
}
