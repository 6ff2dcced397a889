package org.openlora.benchmarks.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.benchmarks.machine.MachineClass;

class ResultsFolderTest {
    private static final Provenance PROVENANCE = new Provenance(
            "2026-01-02T03:04:05Z", "abc", List.of("x"), new MachineClass("p", "avx2", 2, 0, 0, 256, "25", "Linux"));

    @TempDir
    private Path folder = Path.of(".");

    @Test
    void write_secondRunOfTheDay_overwritesNothing() throws IOException {
        Path first = new ResultsFolder(folder, "serving", PROVENANCE).writeJson(Map.of("run", 1));
        Path second = new ResultsFolder(folder, "serving", PROVENANCE).writeJson(Map.of("run", 2));
        assertThat(first.getFileName()).hasToString("2026-01-02-avx2-2c-256b-abc-serving.json");
        assertThat(second.getFileName()).hasToString("2026-01-02-avx2-2c-256b-abc-serving-2.json");
        assertThat(Files.readString(first)).contains("\"run\" : 1");
        assertThat(Files.readString(second)).contains("\"run\" : 2");
    }

    @Test
    void writeSvg_standsBesideTheReport() {
        ResultsFolder results = new ResultsFolder(folder.resolve("new"), "serving", PROVENANCE);
        Path json = results.writeJson(Map.of());
        Path svg = results.writeSvg("<svg/>");
        assertThat(svg.toString()).isEqualTo(json.toString().replace(".json", ".svg"));
        assertThat(folder.resolve("new")).isDirectoryNotContaining("glob:**.partial");
    }
}
