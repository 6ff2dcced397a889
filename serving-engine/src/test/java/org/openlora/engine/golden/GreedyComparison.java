package org.openlora.engine.golden;

import java.util.List;
import org.openlora.engine.TeacherForcing;
import org.openlora.kernels.Vocabulary;

/// Compares each step's best token with the reference's and goes on with the reference's, so that one near-tie
/// does not hide what comes behind it. A step whose two best reference logits are within `nearTie` may differ.
@SuppressWarnings("ArrayRecordComponent") // Read from a fixture; never compared.
record GreedyComparison(String name, int[] greedyIds, float[] margins, float nearTie, List<String> wrong)
        implements TeacherForcing.Teacher {
    @Override
    public int next(int step, float[] logits) {
        int best = Vocabulary.argmax(logits, 0, logits.length);
        if (best != greedyIds[step] && margins[step] > nearTie) {
            wrong.add("%s step %d: token %d instead of %d at a margin of %.3f"
                    .formatted(name, step, best, greedyIds[step], margins[step]));
        }
        return greedyIds[step];
    }
}
