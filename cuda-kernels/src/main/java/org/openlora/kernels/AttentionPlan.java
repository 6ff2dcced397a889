package org.openlora.kernels;

import java.util.Arrays;

/// The work of one [AttentionBatch], cut into units for the threads. Built anew for each call into arrays that are
/// kept.
///
/// A *run* is up to [#RUN_ROWS] consecutive tokens of one sequence: its keys and values are read once for all of
/// them. A *split* is [#SPLIT_TOKENS] positions of the context, the first from position 0 on: each is attended on
/// its own and then merged in ascending order, by one thread or by several. A *unit* is a run, a KV head and some
/// of its splits: all of them, or, where a few long contexts would leave threads idle, a part; then the results of
/// its splits are kept from `resultAt` on until they can be merged.
///
/// None of this changes a bit: runs, splits and their order depend on positions alone.
final class AttentionPlan {
    /// Most rows of a run.
    static final int RUN_ROWS = 8;
    /// Positions of a split.
    static final int SPLIT_TOKENS = 256;
    /// Place of results that are merged at once.
    static final int MERGED_AT_ONCE = -1;

    private static final int UNITS_PER_THREAD = 4;

    private int[] runStarts = new int[17];
    private int runs;
    private int[] units = new int[5 * 16]; // run, KV head, first split, end split, place of the results
    private int count;
    private int results;
    private long tokens;

    void build(AttentionBatch batch, int kvHeads, int threads) {
        cutRuns(batch);
        count = 0;
        results = 0;
        tokens = 0;
        for (int run = 0; run < runs; run++) {
            tokens += (long) kvHeads * tokens(batch, run);
        }
        long fairShare = tokens / ((long) threads * UNITS_PER_THREAD) + 1;
        // The last rows of a chunk have the longest context: begin with them.
        for (int run = runs - 1; run >= 0; run--) {
            int first = firstSplit(batch, run);
            int end = endSplit(batch, run);
            int parts = (int) Math.min(end - first, (tokens(batch, run) + fairShare - 1) / fairShare);
            for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
                if (threads == 1 || parts == 1) {
                    add(run, kvHead, first, end, MERGED_AT_ONCE);
                    continue;
                }
                for (int part = 0; part < parts; part++) {
                    int from = first + (int) ((long) (end - first) * part / parts);
                    int to = first + (int) ((long) (end - first) * (part + 1) / parts);
                    add(run, kvHead, from, to, results);
                    results += to - from;
                }
            }
        }
    }

    /// Number of units.
    int units() {
        return count;
    }

    /// Splits whose results are kept.
    int results() {
        return results;
    }

    /// Keys that all units read.
    long tokens() {
        return tokens;
    }

    int run(int unit) {
        return units[5 * unit];
    }

    int kvHead(int unit) {
        return units[5 * unit + 1];
    }

    int firstSplit(int unit) {
        return units[5 * unit + 2];
    }

    int endSplit(int unit) {
        return units[5 * unit + 3];
    }

    int resultAt(int unit) {
        return units[5 * unit + 4];
    }

    int firstRow(int run) {
        return runStarts[run];
    }

    int endRow(int run) {
        return runStarts[run + 1];
    }

    private void cutRuns(AttentionBatch batch) {
        if (runStarts.length < batch.rows() + 1) {
            runStarts = new int[batch.rows() + 1];
        }
        runs = 0;
        for (int row = 1; row <= batch.rows(); row++) {
            boolean follows = row < batch.rows()
                    && row - runStarts[runs] < RUN_ROWS
                    && batch.sequences()[row] == batch.sequences()[row - 1]
                    && batch.positions()[row] == batch.positions()[row - 1] + 1;
            if (!follows) {
                runStarts[++runs] = row;
            }
        }
    }

    private int tokens(AttentionBatch batch, int run) {
        return batch.positions()[endRow(run) - 1] + 1 - batch.firstPosition(firstRow(run));
    }

    private int firstSplit(AttentionBatch batch, int run) {
        return batch.firstPosition(firstRow(run)) / SPLIT_TOKENS;
    }

    private int endSplit(AttentionBatch batch, int run) {
        return batch.positions()[endRow(run) - 1] / SPLIT_TOKENS + 1;
    }

    private void add(int run, int kvHead, int firstSplit, int endSplit, int resultAt) {
        if (units.length < 5 * (count + 1)) {
            units = Arrays.copyOf(units, 2 * units.length);
        }
        int at = 5 * count++;
        units[at] = run;
        units[at + 1] = kvHead;
        units[at + 2] = firstSplit;
        units[at + 3] = endSplit;
        units[at + 4] = resultAt;
    }
}
