package org.openlora.benchmarks.fleet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.Digest;
import org.openlora.adapters.LlamaModules;
import org.openlora.adapters.peft.PeftAdapter;
import org.openlora.kernels.LoraLayout;
import org.openlora.server.problem.Problem;

class FleetWriterTest {
    private static final LlamaModules BASE = new LlamaModules(
            new Digest("ab".repeat(32)), 2, 16, 4, 2, 4, 24, 32, true, LoraLayout.RANK_ROWS, (name, _) -> {
                throw new AssertionError("no adapter of a fleet scales the base's " + name);
            });
    private static final FleetSpec SPEC = new FleetSpec(BASE.digest(), 6, 4, 64, FleetSpec.ALL_LINEAR, 7);

    @TempDir
    private Path folder = Path.of(".");

    private final StringWriter said = new StringWriter();
    private final FleetWriter writer = new FleetWriter(BASE, new PrintWriter(said, true));

    @Test
    void write_anyFleet_isSoundAdaptersOfTheirRanksAllDifferent() {
        Fleet fleet = writer.write(SPEC, folder.resolve("all"));

        List<PeftAdapter> adapters = read(fleet);
        assertThat(adapters).extracting(PeftAdapter::digest).doesNotHaveDuplicates();
        assertThat(adapters)
                .extracting(adapter -> adapter.config().r())
                .containsExactlyElementsOf(
                        IntStream.range(0, 6).mapToObj(SPEC::rank).toList())
                .allMatch(rank -> rank >= 4 && rank <= 64);
        assertThat(SPEC.rank(4)).isEqualTo(16);
    }

    @Test
    void write_partOfAFleet_isTheSameAdapters() {
        List<Digest> all = digests(writer.write(SPEC, folder.resolve("all")));
        List<Digest> first = digests(writer.write(SPEC.first(2), folder.resolve("first")));

        assertThat(first).isEqualTo(all.subList(0, 2));
    }

    @Test
    void write_interruptedBefore_writesWhatIsMissingAlone() throws IOException {
        Fleet fleet = writer.write(SPEC, folder);
        List<Digest> before = digests(fleet);
        Path lost = folder.resolve(FleetSpec.name(3));
        Files.delete(lost.resolve("adapter_config.json"));
        Files.move(lost, folder.resolve(".partial-3"));

        writer.write(SPEC, folder);

        assertThat(said.toString()).endsWith("1 of them written now\n");
        assertThat(digests(fleet)).isEqualTo(before);
        assertThat(folder.resolve(".partial-3")).doesNotExist();
    }

    @Test
    void write_folderOfAnotherFleet_isRefused() {
        writer.write(SPEC, folder);
        FleetSpec other = new FleetSpec(BASE.digest(), 6, 4, 64, FleetSpec.ALL_LINEAR, 8);

        assertThatThrownBy(() -> writer.write(other, folder))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("holds another fleet");
    }

    @Test
    void write_folderOfSomethingElse_isRefused() throws IOException {
        Files.writeString(folder.resolve("thesis.txt"), "the only copy");

        assertThatThrownBy(() -> writer.write(SPEC, folder))
                .isInstanceOf(Problem.class)
                .hasMessageContaining("holds no fleet");
        assertThat(folder.resolve("thesis.txt")).exists();
    }

    private static List<PeftAdapter> read(Fleet fleet) {
        return fleet.spec().names().stream()
                .map(name -> PeftAdapter.read(fleet.folder().resolve(name), BASE))
                .toList();
    }

    private static List<Digest> digests(Fleet fleet) {
        return read(fleet).stream().map(PeftAdapter::digest).toList();
    }
}
