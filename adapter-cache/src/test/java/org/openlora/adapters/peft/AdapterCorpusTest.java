package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What fuzzing found, one case of each kind of refusal: each is refused in the same words ever after.
class AdapterCorpusTest {
    @TempDir
    Path root;

    @Test
    void readAndLoad_ofEveryCaseOfTheCorpus_isRefusedAsBefore() throws IOException {
        List<AdapterCase> corpus;
        try (InputStream stream = AdapterCorpusTest.class.getResourceAsStream("/peft/refusals.jsonl")) {
            corpus = AdapterCase.corpus(new String(stream.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
        }
        assertThat(corpus).hasSizeGreaterThan(100);
        for (AdapterCase known : corpus) {
            assertThat(AdapterCase.outcome(root.resolve("case"), known.files())).isEqualTo(known.outcome());
        }
    }
}
