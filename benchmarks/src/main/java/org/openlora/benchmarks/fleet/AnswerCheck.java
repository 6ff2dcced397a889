package org.openlora.benchmarks.fleet;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.openlora.benchmarks.load.Arrivals;
import org.openlora.benchmarks.load.Completion;
import org.openlora.benchmarks.load.Completion.Outcome;
import org.openlora.benchmarks.load.Completion.Token;
import org.openlora.benchmarks.load.LoadGenerator;
import org.openlora.benchmarks.load.LoadSummary;
import org.openlora.benchmarks.load.Popularity;
import org.openlora.benchmarks.load.Prompts;
import org.openlora.benchmarks.load.Workload;
import org.openlora.benchmarks.report.FleetReport.Answers;

/// Zipf(1.0) traffic over a whole fleet, every answer of which is then compared with what the same adapter answers
/// alone, on an otherwise idle server and with nothing cached.
final class AnswerCheck {
    private static final String CROWDED = "fleet-crowded";
    private static final String ALONE = "fleet-alone";

    private final FleetServer server;
    private final Fleet fleet;
    private final Prompts prompts;
    private final FleetSettings settings;

    AnswerCheck(FleetServer server, Fleet fleet, Prompts prompts, FleetSettings settings) {
        this.server = server;
        this.fleet = fleet;
        this.prompts = prompts;
        this.settings = settings;
    }

    /// @param recency learns what was asked for
    Answers run(RecencyOrder recency, PrintWriter out) {
        List<Integer> adapters =
                Popularity.ZIPF.choose(settings.requests(), fleet.spec().adapters(), settings.seed());
        adapters.forEach(recency::touch);
        Workload workload = new Workload("zipf", new Arrivals.ClosedLoop(settings.streams()), adapters);
        LoadGenerator crowd = new LoadGenerator(
                server.client(), prompts, server.modelNames(), settings.maxTokens(), request -> request.byToken()
                        .salted(CROWDED));
        LoadGenerator.Run run = crowd.run(workload, 0);
        LoadSummary load = LoadSummary.of(run);
        out.printf("zipf: %.1f tok/s, %d of %d failed%n", load.tokensPerSecond(), load.failed(), load.requests());
        out.flush();
        List<Completion> alone = new ArrayList<>();
        for (int index = 0; index < workload.adapters().size(); index++) {
            alone.add(server.client()
                    .complete(crowd.request(workload, index, 0).salted(ALONE))
                    .join());
        }
        adapters.forEach(recency::touch);
        return compare(load, run.completions(), alone);
    }

    private Answers compare(LoadSummary load, List<Completion> crowd, List<Completion> alone) {
        int checked = 0;
        int wrongAnswers = 0;
        int wrongTokens = 0;
        int otherLogprobs = 0;
        for (int i = 0; i < crowd.size(); i++) {
            if (crowd.get(i).outcome() != Outcome.FINISHED || alone.get(i).outcome() != Outcome.FINISHED) {
                continue;
            }
            checked++;
            int wrong = differing(texts(crowd.get(i)), texts(alone.get(i)));
            wrongTokens += wrong;
            wrongAnswers += wrong > 0 ? 1 : 0;
            otherLogprobs += differing(crowd.get(i).tokens(), alone.get(i).tokens()) - wrong;
        }
        int aloneFailed = (int) alone.stream()
                .filter(answer -> answer.outcome() == Outcome.FAILED)
                .count();
        Pairs pairs = pairs(alone);
        return new Answers(
                load,
                checked,
                load.failed() + aloneFailed,
                wrongAnswers,
                wrongTokens,
                otherLogprobs,
                pairs.all,
                pairs.equal);
    }

    private static List<String> texts(Completion answer) {
        return answer.tokens().stream().map(Token::text).toList();
    }

    /// Places at which two answers differ, those that only one has among them.
    static int differing(List<?> left, List<?> right) {
        int common = Math.min(left.size(), right.size());
        int differing = Math.max(left.size(), right.size()) - common;
        for (int i = 0; i < common; i++) {
            differing += Objects.equals(left.get(i), right.get(i)) ? 0 : 1;
        }
        return differing;
    }

    private record Pairs(int all, int equal) {}

    /// Answers to the same prompt by two adapters: where they are equal, the check could not tell the two apart.
    private Pairs pairs(List<Completion> alone) {
        Map<Integer, List<Completion>> byPrompt = new HashMap<>();
        for (int i = 0; i < alone.size(); i++) {
            byPrompt.computeIfAbsent(i % prompts.prompts().size(), _ -> new ArrayList<>())
                    .add(alone.get(i));
        }
        int all = 0;
        int equal = 0;
        for (List<Completion> answers : byPrompt.values()) {
            for (Completion one : answers) {
                for (Completion other : answers) {
                    if (one.adapter() < other.adapter()) {
                        all++;
                        equal += texts(one).equals(texts(other)) ? 1 : 0;
                    }
                }
            }
        }
        return new Pairs(all, equal);
    }
}
