package org.openlora.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.engine.golden.SmolLm2File;
import org.openlora.engine.weights.GgufBytes;
import org.openlora.engine.weights.ModelLoadException;

class TokenizersTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int RANDOM_TEXTS = 2_000;

    @TempDir
    Path directory;

    private static Path golden(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(TokenizersTest.class.getResource("/golden/" + name))
                .toURI());
    }

    @Test
    void encodeAndDecode_smollm2_asTheTokenizersLibrary() throws Exception {
        Optional<Path> gguf = SmolLm2File.find();
        assumeTrue(gguf.isPresent(), SmolLm2File.REASON);
        try (Tokenizer tokenizer = Tokenizers.open(gguf.orElseThrow())) {
            compareWithGolden(tokenizer, "smollm2/tokenizer.json");
            assertThat(tokenizer.vocabularySize()).isEqualTo(49152);
            assertThat(tokenizer.tokenId("<|im_end|>")).hasValue(2);
            streamsAreExact((JsonTokenizer) tokenizer);
        }
    }

    @Test
    void encodeAndDecode_embeddedModel_asTheTokenizersLibrary() throws Exception {
        Path model = Path.of(System.getProperty("openlora.root", "."), "models", "openlora-tiny");
        assumeTrue(Files.exists(model.resolve("tokenizer.json")), () -> model + " is not there");
        try (Tokenizer tokenizer = Tokenizers.open(model)) {
            compareWithGolden(tokenizer, "tiny/tokenizer.json");
            streamsAreExact((JsonTokenizer) tokenizer);
        }
    }

    private static void compareWithGolden(Tokenizer tokenizer, String fixture) throws Exception {
        JsonNode cases = MAPPER.readTree(golden(fixture).toFile()).get("cases");
        assertThat(cases).isNotEmpty();
        for (JsonNode entry : cases) {
            int[] expected = MAPPER.convertValue(entry.get("ids"), int[].class);
            assertThat(tokenizer.encode(entry.get("text").asText()))
                    .as(entry.get("text").asText())
                    .isEqualTo(expected);
            boolean special = false;
            for (int id : expected) {
                special |= tokenizer.isSpecial(id);
            }
            if (!special) {
                assertThat(tokenizer.decode(expected))
                        .isEqualTo(entry.get("decoded").asText());
            }
        }
    }

    private static void streamsAreExact(JsonTokenizer tokenizer) {
        Random random = new Random(11);
        for (int text = 0; text < RANDOM_TEXTS; text++) {
            int[] ids = random.ints(random.nextInt(24), 0, tokenizer.vocabularySize())
                    .toArray();
            StringBuilder streamed = new StringBuilder();
            StreamingDetokenizer detokenizer = tokenizer.newDetokenizer();
            for (int id : ids) {
                String piece = detokenizer.add(id);
                assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(piece)).isTrue();
                streamed.append(piece);
            }
            streamed.append(detokenizer.finish());
            assertThat(streamed.toString())
                    .isEqualTo(tokenizer.decodeByLibrary(ids))
                    .isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void open_ggufOfTheGoldenModel_roundTripsAnyText() throws Exception {
        try (Tokenizer tokenizer = Tokenizers.open(golden("gguf/llama.gguf"))) {
            for (String text : List.of("", " ", "foo  12", "naïve 🙂 日本語\r\n\t", "x\u0000y", "12345")) {
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            }
            streamsAreExact((JsonTokenizer) tokenizer);
        }
    }

    @Test
    void add_characterOverSeveralTokens_waitsForItsEnd() throws Exception {
        try (Tokenizer tokenizer = Tokenizers.open(bytes("gpt-2", List.of(), 0).write(directory.resolve("x.gguf")))) {
            int[] ids = tokenizer.encode("🙂!");
            assertThat(ids).hasSize(5);
            StreamingDetokenizer detokenizer = tokenizer.newDetokenizer();
            List<String> pieces = new ArrayList<>();
            for (int id : ids) {
                pieces.add(detokenizer.add(id));
            }
            assertThat(pieces).containsExactly("", "", "", "🙂", "!");
            assertThat(detokenizer.finish()).isEmpty();
            StreamingDetokenizer cut = tokenizer.newDetokenizer();
            assertThat(cut.add(ids[0]) + cut.add(ids[1])).isEmpty();
            assertThat(cut.finish()).isEqualTo("\ufffd");
        }
    }

    /// Every split that byte-level models can make of the hardest bytes: all sequences over a small alphabet of
    /// starts, continuations, overlong and surrogate forms, against what the library says of the whole.
    @Test
    void add_anyBytes_agreesWithTheLibrary() throws Exception {
        int[] alphabet = {0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe0, 0xe2, 0xed, 0xa0, 0x9f, 0xf0, 0xf4, 0x90, 0xff};
        try (Tokenizer tokenizer = Tokenizers.open(bytes("gpt-2", List.of(), 0).write(directory.resolve("x.gguf")))) {
            JsonTokenizer json = (JsonTokenizer) tokenizer;
            Random random = new Random(3);
            for (int i = 0; i < 20_000; i++) {
                int[] ids = random.ints(1 + random.nextInt(7), 0, alphabet.length)
                        .map(index -> alphabet[index])
                        .toArray();
                assertThat(json.decode(ids)).isEqualTo(json.decodeByLibrary(ids));
            }
            streamsAreExact(json);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "smollm, ab  12 3.5, ab|·|·|1|2|·|3|.|5",
        "gpt-2, ab  12 3.5, ab|·|·|12|·|3|.|5",
        "llama-bpe, ab  12345, ab|·|·|123|45",
        "qwen2, ab  123, ab|·|·|1|2|3",
        "default, ab  12345, ab|·|·|123|45"
    })
    void encode_preTokenizerOfGguf_splitsAsItsModel(String pre, String text, String pieces) throws Exception {
        List<String> merges = List.of("a b", "1 2", "12 3", "4 5");
        try (Tokenizer tokenizer = Tokenizers.open(bytes(pre, merges, 0).write(directory.resolve("x.gguf")))) {
            List<String> found = new ArrayList<>();
            for (int id : tokenizer.encode(text)) {
                found.add(tokenizer.decode(new int[] {id}).replace(' ', '·'));
            }
            assertThat(String.join("|", found)).isEqualTo(pieces);
        }
    }

    @Test
    void encode_specialTokensInText_areRecognisedAndNotDecoded() throws Exception {
        try (Tokenizer tokenizer = Tokenizers.open(bytes("smollm", List.of(), 2).write(directory.resolve("x.gguf")))) {
            int[] ids = tokenizer.encode("a<s0>b");
            assertThat(ids).hasSize(3);
            assertThat(ids[1]).isEqualTo(tokenizer.tokenId("<s0>").orElseThrow());
            assertThat(tokenizer.isSpecial(ids[1])).isTrue();
            assertThat(tokenizer.decode(ids)).isEqualTo("ab");
            assertThat(tokenizer.encode("<s0")).hasSize(3);
            assertThat(tokenizer.decode(new int[] {-1, 1 << 30})).isEmpty();
        }
    }

    @Test
    void encode_ggufThatAddsBos_startsWithItOnce() throws Exception {
        GgufBytes file = bytes("smollm", List.of(), 1)
                .flag("tokenizer.ggml.add_bos_token", true)
                .u32("tokenizer.ggml.bos_token_id", 256);
        try (Tokenizer tokenizer = Tokenizers.open(file.write(directory.resolve("x.gguf")))) {
            assertThat(tokenizer.encode("A")).containsExactly(256, 'A');
            assertThat(tokenizer.encode("<s0>A")).containsExactly(256, 'A');
            assertThat(tokenizer.encode("")).containsExactly(256);
        }
    }

    @Test
    void encode_unpairedSurrogate_isRefused() throws Exception {
        try (Tokenizer tokenizer = Tokenizers.open(bytes("smollm", List.of(), 0).write(directory.resolve("x.gguf")))) {
            assertThatThrownBy(() -> tokenizer.encode("x\ud800y"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("unpaired surrogate");
        }
    }

    @Test
    void digest_sameTokenizer_isTheSameWhateverTheFile() throws Exception {
        ObjectNode json = sentencePiece();
        Files.writeString(directory.resolve("tokenizer.json"), json.toString());
        Path other = Files.createDirectory(directory.resolve("other"));
        MAPPER.writerWithDefaultPrettyPrinter()
                .writeValue(other.resolve("tokenizer.json").toFile(), json);
        try (Tokenizer first = Tokenizers.open(directory);
                Tokenizer second = Tokenizers.open(other)) {
            assertThat(first.digest()).isEqualTo(second.digest());
        }
    }

    /// A SentencePiece model as Transformers converts it: spaces as U+2581, bytes as `<0x00>`.
    private static ObjectNode sentencePiece() throws IOException {
        ObjectNode json = (ObjectNode) MAPPER.readTree("""
                {"version":"1.0","truncation":null,"padding":null,"added_tokens":[
                 {"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
                 {"id":1,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
                 "normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},
                  {"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},
                 "pre_tokenizer":null,
                 "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
                  {"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},
                  {"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}},
                 "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},
                  {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
                 "model":{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,
                  "end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"vocab":{},"merges":["\u2581 a"]}}
                """);
        ObjectNode vocabulary = (ObjectNode) json.path("model").path("vocab");
        vocabulary.put("<unk>", 0).put("<s>", 1);
        for (int value = 0; value < 256; value++) {
            vocabulary.put("<0x%02X>".formatted(value), 2 + value);
        }
        for (String piece : List.of("\u2581", "a", "b", "\u2581a", "ü")) {
            vocabulary.put(piece, vocabulary.size());
        }
        return json;
    }

    @Test
    void encodeAndDecode_byteFallback_asTheTokenizersLibrary() throws Exception {
        Files.writeString(directory.resolve("tokenizer.json"), sentencePiece().toString());
        try (Tokenizer tokenizer = Tokenizers.open(directory)) {
            assertThat(tokenizer.encode("a b")[0]).isEqualTo(1);
            assertThat(tokenizer.decode(tokenizer.encode("a bü 🙂 a"))).isEqualTo("a bü 🙂 a");
            streamsAreExact((JsonTokenizer) tokenizer);
        }
        Files.writeString(directory.resolve("tokenizer_config.json"), "{\"add_bos_token\": false}");
        try (Tokenizer tokenizer = Tokenizers.open(directory)) {
            assertThat(tokenizer.encode("a")).hasSize(1);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"model.type Unigram", "decoder [WordPiece]", "has the id -1", "the same id 5", "not a usable"})
    void open_unsupportedTokenizer_isRefusedByName(String message) throws IOException {
        ObjectNode json = sentencePiece();
        ObjectNode model = (ObjectNode) json.path("model");
        switch (message) {
            case "model.type Unigram" -> model.put("type", "Unigram");
            case "decoder [WordPiece]" -> json.putObject("decoder").put("type", "WordPiece");
            case "has the id -1" -> ((ObjectNode) model.path("vocab")).put("x", -1);
            case "the same id 5" -> ((ObjectNode) model.path("vocab")).put("x", 5);
            default -> model.putArray("merges").add("no such");
        }
        Files.writeString(directory.resolve("tokenizer.json"), json.toString());
        assertThatThrownBy(() -> Tokenizers.open(directory))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining(message)
                .message()
                .doesNotContain("\n");
    }

    @Test
    void open_unsupportedGgufTokenizer_isRefusedByName() {
        Path pre = bytes("tekken", List.of(), 0).write(directory.resolve("pre.gguf"));
        assertThatThrownBy(() -> Tokenizers.open(pre))
                .hasMessageContaining("tokenizer.ggml.pre tekken is not supported");
        Path model = new GgufBytes().string("tokenizer.ggml.model", "llama").write(directory.resolve("model.gguf"));
        assertThatThrownBy(() -> Tokenizers.open(model))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("tokenizer.ggml.model llama is not supported");
        Path merge = bytes("smollm", List.of("a b c"), 0).write(directory.resolve("merge.gguf"));
        assertThatThrownBy(() -> Tokenizers.open(merge)).hasMessageContaining("merge 'a b c' is not two parts");
        Path none = new GgufBytes().write(directory.resolve("none.gguf"));
        assertThatThrownBy(() -> Tokenizers.open(none)).hasMessageContaining("key tokenizer.ggml.model is missing");
    }

    /// A GGUF tokenizer whose token 0 to 255 are the bytes, then special tokens `<s0>`..., then the merges'
    /// tokens.
    private static GgufBytes bytes(String pre, List<String> merges, int special) {
        List<String> tokens = new ArrayList<>();
        List<Integer> types = new ArrayList<>();
        int next = 256;
        for (int value = 0; value < 256; value++) {
            boolean printable = (value >= '!' && value <= '~') || (value >= 0xa1 && value != 0xad);
            tokens.add(String.valueOf((char) (printable ? value : next++)));
            types.add(1);
        }
        for (int i = 0; i < special; i++) {
            tokens.add("<s" + i + ">");
            types.add(3);
        }
        for (String merge : merges) {
            tokens.add(merge.replace(" ", ""));
            types.add(1);
        }
        return new GgufBytes()
                .string("tokenizer.ggml.model", "gpt2")
                .string("tokenizer.ggml.pre", pre)
                .strings("tokenizer.ggml.tokens", tokens)
                .i32s("tokenizer.ggml.token_type", types)
                .strings("tokenizer.ggml.merges", merges);
    }
}
