package org.openlora.benchmarks.attribution;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.duplicates.Copies;
import org.openlora.meter.evidence.Corpus;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evidence.SpanEvidence;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.files.Progress;
import org.openlora.meter.index.IndexKey;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.index.SuffixIndex;

/// Builds the index of a synthetic corpus on the disk, opens it as a server does, and searches it for responses.
public final class IndexBenchmark {
    private static final ThreadMXBean CPU = ManagementFactory.getThreadMXBean();
    private static final int RESPONSE_TOKENS = 256;
    private static final int PROMPT_TOKENS = 128;
    private static final int RARITY_BITS = 64;
    private static final double NANOS_PER_MICRO = 1e3;
    private static final double NANOS_PER_SECOND = 1e9;

    private final Path folder;
    private final int responses;
    private final int repetitions;

    /// @param folder of the indices; must be empty
    /// @param responses of 256 tokens, searched in each repetition
    public IndexBenchmark(Path folder, int responses, int repetitions) {
        this.folder = folder;
        this.responses = responses;
        this.repetitions = repetitions;
    }

    /// Measures one size of corpus.
    public IndexReport.Size measure(long tokens, Progress progress) throws IOException {
        SyntheticCorpus rows = new SyntheticCorpus(tokens, tokens);
        Bytes32 datanet = Sha256.domain("benchmark").u64(tokens).digest();
        Bytes32 tokenizer = Sha256.domain("benchmark tokenizer").digest();
        IndexKey key = new IndexKey(datanet, tokenizer, Datanet.corpusRoot(datanet, tokenizer));
        long start = System.nanoTime();
        new IndexStore(folder).open(key, rows, progress);
        double built = (System.nanoTime() - start) / NANOS_PER_SECOND;
        start = System.nanoTime();
        SuffixIndex index = new IndexStore(folder).open(key, rows, progress);
        double opened = (System.nanoTime() - start) / NANOS_PER_SECOND;

        Datanet named = new Datanet(datanet, "benchmark", "1", "", "", Bytes32.ZERO, List.of(), List.of());
        LineageCorpora lineage =
                LineageCorpora.of(List.of(new Corpus(named, key.root(), index, Copies.none())), ScorerVersion.CURRENT);
        Workload workload = workload(rows);
        double[] search = new double[repetitions];
        double[] evidence = new double[repetitions];
        long pieces = 0;
        for (int repetition = -1; repetition < repetitions; repetition++) { // the first warms up
            long before = CPU.getCurrentThreadCpuTime();
            pieces = search(index, lineage, workload);
            long between = CPU.getCurrentThreadCpuTime();
            evidence(lineage, workload);
            long after = CPU.getCurrentThreadCpuTime();
            if (repetition >= 0) {
                double all = (double) responses * RESPONSE_TOKENS * NANOS_PER_MICRO;
                search[repetition] = (between - before) / all;
                evidence[repetition] = (after - between) / all;
            }
        }
        long bytes = Files.size(new IndexStore(folder).file(key));
        return new IndexReport.Size(
                index.tokenCount(),
                index.rowCount(),
                built,
                opened,
                bytes,
                (double) bytes / index.tokenCount(),
                median(search),
                median(evidence),
                (double) pieces / responses,
                heapMebibytes());
    }

    private record Workload(List<int[]> prompts, List<int[]> responses) {}

    private Workload workload(SyntheticCorpus rows) {
        SplittableRandom random = new SplittableRandom(7);
        List<int[]> prompts = new ArrayList<>();
        List<int[]> answers = new ArrayList<>();
        for (int i = 0; i < responses; i++) {
            prompts.add(rows.response(PROMPT_TOKENS, random));
            answers.add(rows.response(RESPONSE_TOKENS, random));
        }
        return new Workload(prompts, answers);
    }

    /// @return pieces that pass the threshold
    private static long search(SuffixIndex index, LineageCorpora lineage, Workload workload) {
        long passed = 0;
        for (int[] response : workload.responses()) {
            for (SuffixIndex.Match match : index.maximalMatches(response, 0, response.length)) {
                long cost = 0;
                for (int i = match.start(); i < match.end(); i++) {
                    cost += lineage.rarity().cost(response[i]);
                }
                if (cost >= (long) RARITY_BITS << Short.SIZE && index.rowsOf(response, match).length > 0) {
                    passed++;
                }
            }
        }
        return passed;
    }

    private static void evidence(LineageCorpora lineage, Workload workload) {
        for (int i = 0; i < workload.responses().size(); i++) {
            SpanEvidence found = SpanEvidence.find(
                    workload.prompts().get(i), workload.responses().get(i), lineage, RARITY_BITS);
            if (found.owners().size() != RESPONSE_TOKENS) {
                throw new IllegalStateException("evidence has " + found.owners().size() + " owners");
            }
        }
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }

    private static long heapMebibytes() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() >> 20;
    }
}
