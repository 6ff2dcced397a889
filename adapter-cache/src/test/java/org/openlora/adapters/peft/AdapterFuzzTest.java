package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Spoilt adapters, by the thousand: each is read, or refused in one clean line, in bounded memory.
///
/// Longer: `-Dopenlora.fuzz.seconds=600`, with a seed of its own by `-Dopenlora.fuzz.seed=N`. With
/// `-Dopenlora.fuzz.corpus=FILE` one case of each new kind of outcome is appended to a corpus, which
/// [AdapterCorpusTest] replays.
class AdapterFuzzTest {
    private static final long SECONDS = Long.getLong("openlora.fuzz.seconds", 2);
    private static final long SEED = Long.getLong("openlora.fuzz.seed", 20_260_102);
    private static final String CORPUS = System.getProperty("openlora.fuzz.corpus", "");

    /// Of heap, for files of some kilobytes: what an untruthful header may cost.
    private static final long MOST_ALLOCATED_BYTES = 16L << 20;

    @TempDir
    Path root;

    @Test
    void readAndLoad_ofSpoiltFolders_succeedsOrRefusesCleanly() throws IOException {
        var random = new SplittableRandom(SEED);
        var mutator = new AdapterMutator(random);
        List<Map<String, byte[]>> sound = AdapterCase.sound(root.resolve("sound"));
        Map<String, AdapterCase> kinds = new TreeMap<>();
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        long read = 0;
        long cases = 0;
        Path folder = root.resolve("case");
        for (Map<String, byte[]> files : sound) {
            assertThat(AdapterCase.outcome(folder, files)).as("before it is spoilt").isEqualTo(AdapterCase.READ);
        }
        for (; cases < 200 || System.nanoTime() < end; cases++) {
            Map<String, byte[]> files = mutator.spoil(sound.get(random.nextInt(sound.size())));
            long before = allocatedBytes();
            String outcome = AdapterCase.outcome(folder, files);
            assertThat(allocatedBytes() - before)
                    .as("bytes of heap, seed %d, case %d: %s", SEED, cases, outcome)
                    .isLessThan(MOST_ALLOCATED_BYTES);
            if (outcome.equals(AdapterCase.READ)) {
                read++;
            } else {
                kinds.putIfAbsent(AdapterCase.kind(outcome), new AdapterCase(outcome, files));
            }
        }
        System.out.printf(
                "fuzzing, seed %d: %d cases, %d of them read, %d kinds of refusal%n", SEED, cases, read, kinds.size());
        assertThat(kinds).hasSizeGreaterThan(20);
        if (!CORPUS.isEmpty()) {
            AdapterCase.addNew(Path.of(CORPUS), kinds);
        }
    }

    private static long allocatedBytes() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }
}
