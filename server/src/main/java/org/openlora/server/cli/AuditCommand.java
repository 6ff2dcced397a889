package org.openlora.server.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.audit.AuditReport;
import org.openlora.meter.audit.AuditReport.Count;
import org.openlora.meter.audit.AuditReport.Finding;
import org.openlora.server.audit.AuditDesk;
import org.openlora.server.audit.AuditReportJson;
import org.openlora.server.audit.TextFile;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `openlora audit`: computes receipts a second time and says where that gives something else.
@Command(
        name = "audit",
        description = "Computes a sample of receipts again: signatures, batches, evidence, prices, and kept answers.")
final class AuditCommand implements Callable<Integer> {
    private static final int SHOWN = 20;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Option(
            names = "--sample",
            paramLabel = "N",
            defaultValue = "100",
            description = "How many receipts (default: ${DEFAULT-VALUE}).")
    private int sample;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Chooses them: the same seed, the same receipts. Made up and shown without.")
    private @Nullable Long seed;

    @Option(
            names = "--since",
            paramLabel = "WHEN",
            description = "Only receipts served since this day or instant (2026-11-01, 2026-11-01T08:00:00Z).")
    private @Nullable String since;

    @Option(
            names = "--receipt",
            paramLabel = "ID",
            description = "One receipt alone: its number, or the id of its request.")
    private @Nullable String receipt;

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "The text of that receipt, as {\"prompt\": [ids], \"output\": [ids]}, from who has it.")
    private @Nullable Path text;

    @Option(names = "--no-replay", description = "Does not open the model, so no answer is drawn again.")
    private boolean noReplay;

    @Option(names = "--json", description = "Writes the report as JSON to standard output.")
    private boolean json;

    @Override
    public Integer call() {
        if (sample < 1) {
            throw new ParameterException(spec.commandLine(), "--sample is %d, allowed is 1 or more".formatted(sample));
        }
        if (text != null && receipt == null) {
            throw new ParameterException(
                    spec.commandLine(), "--text is the text of one receipt: name it with --receipt");
        }
        try (OpenedAudit opened = OpenedAudit.open(options, !noReplay)) {
            AuditReport report = receipt == null ? sampled(opened.desk()) : one(opened, receipt);
            out().println(json ? AuditReportJson.of(report) : describe(report));
            if (!report.agrees()) {
                throw new Problem(
                        "%d checks disagree".formatted(report.disagreements().size()),
                        "see the list; openlora dispute open puts a receipt on record");
            }
            return ExitStatus.OK;
        }
    }

    private AuditReport sampled(AuditDesk desk) {
        long chosen = seed == null ? new SecureRandom().nextLong() >>> 1 : seed;
        return desk.audit(sample, chosen, since == null ? null : instant(since), this::progress);
    }

    private AuditReport one(OpenedAudit opened, String id) {
        try {
            return opened.desk()
                    .audit(opened.seq(id), text == null ? null : TextFile.read(text, opened.desk()::encode));
        } catch (NoSuchElementException e) {
            throw new Problem(Problem.describe(e), "see openlora receipts list", e);
        }
    }

    private Instant instant(String when) {
        try {
            return when.contains("T")
                    ? Instant.parse(when)
                    : LocalDate.parse(when).atStartOfDay(ZoneOffset.UTC).toInstant();
        } catch (DateTimeParseException e) {
            throw new ParameterException(
                    spec.commandLine(), "--since is %s: write 2026-11-01 or 2026-11-01T08:00:00Z".formatted(when), e);
        }
    }

    private void progress(int done) {
        if (Environment.errorIsTerminal()) {
            spec.commandLine().getErr().printf("\raudited %d", done);
            spec.commandLine().getErr().flush();
        }
    }

    private String describe(AuditReport report) {
        StringBuilder text = new StringBuilder();
        if (Environment.errorIsTerminal()) {
            text.append('\n');
        }
        text.append("audited %d of %d receipts".formatted(report.receipts().size(), report.candidates()));
        text.append(receipt == null ? ", seed %d%n".formatted(report.seed()) : "\n");
        text.append("%-10s %8s %9s %10s %12s%n".formatted("check", "agrees", "near ties", "disagrees", "not checked"));
        for (Count count : report.counts()) {
            text.append("%-10s %8d %9d %10d %12d%n"
                    .formatted(
                            count.check().text(),
                            count.agrees(),
                            count.nearTies(),
                            count.disagrees(),
                            count.notChecked()));
        }
        list(text, "disagreements", report.disagreements());
        list(text, "near ties", report.nearTies());
        reasons(text, report.notChecked());
        return text.toString().stripTrailing();
    }

    private static void list(StringBuilder text, String title, List<Finding> findings) {
        if (findings.isEmpty()) {
            return;
        }
        text.append(title).append('\n');
        for (Finding finding : findings.subList(0, Math.min(SHOWN, findings.size()))) {
            text.append("  receipt %d %s, %s: %s%n"
                    .formatted(
                            finding.seq(), finding.requestId(), finding.check().text(), finding.detail()));
        }
        if (findings.size() > SHOWN) {
            text.append("  and %d more: see --json%n".formatted(findings.size() - SHOWN));
        }
    }

    private static void reasons(StringBuilder text, List<Finding> findings) {
        Map<String, Long> reasons = findings.stream()
                .collect(Collectors.groupingBy(
                        finding -> finding.check().text() + ": " + finding.detail(), Collectors.counting()));
        if (!reasons.isEmpty()) {
            text.append("not checked\n");
            reasons.entrySet().stream()
                    .sorted(Map.Entry.comparingByKey())
                    .limit(SHOWN)
                    .forEach(reason -> text.append("  %d %s%n".formatted(reason.getValue(), reason.getKey())));
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
