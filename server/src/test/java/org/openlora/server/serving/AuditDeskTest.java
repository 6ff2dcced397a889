package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.audit.AuditReport;
import org.openlora.meter.audit.AuditReport.Count;
import org.openlora.meter.audit.AuditReport.Finding;
import org.openlora.meter.audit.AuditText;
import org.openlora.meter.audit.CheckName;
import org.openlora.meter.database.Database;
import org.openlora.meter.dispute.Dispute;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.usage.TokenIds;
import org.openlora.server.audit.AuditDesk;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.config.ServerConfig.Tenant;

/// A running stack's receipts, audited and disputed beside it.
class AuditDeskTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final String PAYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    private static final Tenant OPEN = new Tenant("open-books", "open-0123456789ab", PAYER, "", false, true);
    private static final Tenant QUIET = new Tenant("quiet", "quiet-0123456789a", PAYER);
    private static final ResolvedModel MODEL = new ResolvedModel(
            "openlora-tiny",
            ROOT.resolve("models/openlora-tiny"),
            ROOT.resolve("examples/adapters"),
            ROOT.resolve("examples/datanets"),
            "");

    @TempDir
    Path home;

    private Installation installation() {
        return new Installation(ROOT, home);
    }

    private ServerConfig config() {
        return ConfigLoader.load(installation(), null).withTenants(List.of(OPEN, QUIET));
    }

    private static Generating submit(
            ServingStack stack, Tenant tenant, SamplingParams params, int choices, AdapterChoice... adapters) {
        return Generating.start(
                stack,
                new GenerationCall(
                        null,
                        tenant,
                        new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice."))),
                        List.of(adapters),
                        params,
                        Instant.now().plusSeconds(600),
                        choices,
                        0,
                        null,
                        false));
    }

    /// Requests of every kind at once; all but the last by the tenant whose tokens are kept.
    private static List<Generating.Whole> serve(ServingStack stack) {
        AdapterChoice keeper = new AdapterChoice.ByName("harbour-keeper", 750_000);
        AdapterChoice gardener = new AdapterChoice.ByName("moon-gardener", -250_000);
        SamplingParams drawn = SamplingParams.builder(24)
                .temperature(0.8)
                .topP(0.9)
                .topK(40)
                .repetitionPenalty(1.2)
                .frequencyPenalty(0.1)
                .logitBias(65, 1.5)
                .stop("never there")
                .seed(-7)
                .build();
        List<Generating> running = new ArrayList<>();
        running.add(submit(stack, OPEN, SamplingParams.greedy(32), 1));
        running.add(submit(stack, OPEN, drawn, 1, keeper, gardener));
        running.add(
                submit(stack, OPEN, drawn.toBuilder().minP(0.05).minTokens(8).build(), 1, keeper));
        running.add(
                submit(stack, OPEN, SamplingParams.greedy(16), 1, new AdapterChoice.ByName("stargazer", 1_000_000)));
        running.add(submit(stack, QUIET, drawn, 1, keeper));
        List<Generating.Whole> whole = running.stream().map(Generating::whole).toList();
        stack.meter().drain(Duration.ofMinutes(2));
        stack.meter().seal();
        return whole;
    }

    private <T> T audit(ServingStack stack, Function<AuditDesk, T> work) {
        try (AttachedLedger ledger = Ledger.attach(
                        LedgerLocation.of(installation().ledger()),
                        stack.operator().identity());
                AuditDesk desk = AuditDesk.open(
                        ledger, stack.operator(), new OfflineParts(config(), installation(), MODEL), true)) {
            return work.apply(desk);
        }
    }

    private static Count count(AuditReport report, CheckName name) {
        return report.counts().stream()
                .filter(count -> count.check() == name)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void audit_besideARunningServer_recomputesAndRedrawsExactly() {
        try (ServingStack stack = ServingStack.open(config(), installation(), MODEL, Map.of())) {
            List<Generating.Whole> answers = serve(stack);
            AuditReport report = audit(stack, desk -> desk.audit(100, 1, null, done -> {}));
            assertThat(report.disagreements()).isEmpty();
            assertThat(report.agrees()).isTrue();
            assertThat(report.receipts()).hasSize(5);
            for (CheckName name : List.of(
                    CheckName.SIGNATURE,
                    CheckName.LINK,
                    CheckName.INCLUSION,
                    CheckName.PRICE,
                    CheckName.PAYMENTS,
                    CheckName.MEMBERS)) {
                assertThat(count(report, name)).as("%s", name).isEqualTo(new Count(name, 5, 0, 0, 0));
            }
            for (CheckName name : List.of(CheckName.TEXT, CheckName.EVIDENCE, CheckName.REPLAY)) {
                assertThat(count(report, name)).as("%s", name).isEqualTo(new Count(name, 4, 0, 0, 1));
            }

            Generating.Whole quiet = answers.getLast();
            long seq = stack.meter()
                    .queries()
                    .receiptsOf(quiet.requestId())
                    .getFirst()
                    .receipt()
                    .seq();
            AuditText text = new AuditText(
                    "given text",
                    TokenIds.of(quiet.finished().usage().promptTokens()),
                    TokenIds.of(quiet.finished().usage().outputTokens()),
                    null);
            AuditReport one = audit(stack, desk -> desk.audit(seq, text));
            assertThat(one.agrees()).isTrue();
            assertThat(count(one, CheckName.EVIDENCE).agrees()).isEqualTo(1);
        }
    }

    @Test
    void audit_answerThatTheRecordedDrawsDoNotGive_disagreesAndIsCredited() {
        try (ServingStack stack = ServingStack.open(config(), installation(), MODEL, Map.of())) {
            Generating.Whole answer = serve(stack).get(1);
            try (Database database =
                    Database.open(LedgerLocation.of(installation().ledger()).database())) {
                int changed = database.write(connection -> Database.update(
                        connection,
                        "UPDATE trace SET replay = replace(replay, '\"seed\":\"-7\"', '\"seed\":\"8\"')"
                                + " WHERE request_id = ?",
                        answer.requestId()));
                assertThat(changed).isEqualTo(1);
            }
            AuditReport report = audit(stack, desk -> desk.audit(100, 1, null, done -> {}));
            assertThat(report.agrees()).isFalse();
            assertThat(report.disagreements()).extracting(Finding::check).containsExactly(CheckName.REPLAY);
            assertThat(report.disagreements().getFirst().requestId()).isEqualTo(answer.requestId());
            assertThat(report.disagreements().getFirst().detail()).contains("on the same numeric path");

            long seq = report.disagreements().getFirst().seq();
            Dispute resolved = audit(stack, desk -> {
                var disputes = desk.disputes(Duration.ofDays(1));
                Dispute open = disputes.open(seq, "this is not my seed", "payer", null, 1);
                return disputes.resolve(open.id(), "auditor", 2);
            });
            assertThat(resolved.state()).isEqualTo(Dispute.State.CREDITED);
            assertThat(stack.meter().queries().correctionsOf(resolved.receipt()))
                    .hasSize(1);
        }
    }

    @Test
    void serve_tenantWithoutTrace_keepsNothing() {
        try (ServingStack stack = ServingStack.open(config(), installation(), MODEL, Map.of())) {
            List<Generating.Whole> answers = serve(stack);
            assertThat(IntStream.range(0, answers.size()).filter(i -> stack.meter()
                            .traces()
                            .find(answers.get(i).requestId())
                            .isPresent()))
                    .containsExactly(0, 1, 2, 3);
        }
    }
}
