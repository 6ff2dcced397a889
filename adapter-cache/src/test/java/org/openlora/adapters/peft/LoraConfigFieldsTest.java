package org.openlora.adapters.peft;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.peft.AdapterFixture.BASE;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Repository;

/// Holds docs/peft.md to the fields that PEFT's `LoraConfig` has, and the reader to docs/peft.md.
class LoraConfigFieldsTest {
    private static final Pattern ROW =
            Pattern.compile("\\| `(?<field>\\w+)` \\| (?<is>honoured|harmless|refused) \\|.*");

    /// For each honoured field, a value that changes what becomes of the sound adapter.
    private static final Map<String, String> TELLING = Map.ofEntries(
            Map.entry("peft_type", "'LOHA'"),
            Map.entry("task_type", "'SEQ_CLS'"),
            Map.entry("r", "5"),
            Map.entry("lora_alpha", "9"),
            Map.entry("use_rslora", "true"),
            Map.entry("use_dora", "true"),
            Map.entry("rank_pattern", "{'q_proj':5}"),
            Map.entry("alpha_pattern", "{'q_proj':5}"),
            Map.entry("target_modules", "['q_proj']"),
            Map.entry("exclude_modules", "['q_proj']"),
            Map.entry("modules_to_save", "['lm_head']"),
            Map.entry("layers_to_transform", "[0]"),
            Map.entry("layers_pattern", "'layers'"),
            Map.entry("bias", "'all'"),
            Map.entry("init_lora_weights", "'pissa'"),
            Map.entry("ensure_weight_tying", "'x'"));

    @TempDir
    Path root;

    @Test
    void table_hasEveryFieldOfPeftAndNoOther() throws IOException {
        List<String> fields = new ArrayList<>();
        try (var stream = LoraConfigFieldsTest.class.getResourceAsStream("/peft/lora-config-fields.json")) {
            for (JsonNode field : new ObjectMapper().readTree(stream).get("fields")) {
                fields.add(field.textValue());
            }
        }
        assertThat(table().keySet()).containsExactlyInAnyOrderElementsOf(fields);
    }

    @Test
    void read_ofEachFieldInTurn_doesWhatTheTableSays() throws IOException {
        String plain = outcome("r", "4");
        table().forEach((field, is) -> {
            switch (is) {
                case "honoured" ->
                    assertThat(outcome(field, String.valueOf(TELLING.get(field))))
                            .as(field)
                            .isNotEqualTo(plain);
                case "harmless" -> {
                    for (String value : List.of("null", "true", "'x'", "7", "{'a':[1]}")) {
                        assertThat(outcome(field, value)).as(field).isEqualTo(plain);
                    }
                }
                default -> {
                    for (String value : List.of("true", "'x'", "7", "[1]", "{'a':1}")) {
                        assertThatThrownBy(() -> PeftAdapter.read(folder(field, value), BASE))
                                .isInstanceOfSatisfying(AdapterException.class, e -> assertThat(e.code())
                                        .isEqualTo(Code.UNSUPPORTED))
                                .hasMessageContaining("field '" + field + "'");
                    }
                    assertThat(outcome(field, "null")).as(field).isEqualTo(plain);
                }
            }
        });
    }

    private String outcome(String field, String value) {
        try {
            return PeftAdapter.read(folder(field, value), BASE).digest().toString();
        } catch (AdapterException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private Path folder(String field, String value) {
        return AdapterFixture.sound(1).config("{'" + field + "':" + value + "}").write(root.resolve("adapter"));
    }

    private static Map<String, String> table() throws IOException {
        Map<String, String> table = new TreeMap<>();
        for (String line : Files.readAllLines(Repository.file("docs/peft.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                table.put(row.group("field"), row.group("is"));
            }
        }
        return table;
    }
}
