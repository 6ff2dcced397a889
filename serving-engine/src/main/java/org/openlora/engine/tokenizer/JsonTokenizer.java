package org.openlora.engine.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.adapters.OneLine;
import org.openlora.engine.weights.ModelLoadException;

/// A `tokenizer.json` run by the native `tokenizers` library; decoding is ours, see [StreamingDetokenizer].
final class JsonTokenizer implements Tokenizer {
    private static final Map<String, String> OPTIONS =
            Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

    private final HuggingFaceTokenizer library;
    private final TokenTable table;
    private final DecoderKind decoder;
    private final OptionalInt bos;
    private final Digest digest;

    private JsonTokenizer(
            HuggingFaceTokenizer library, TokenTable table, DecoderKind decoder, OptionalInt bos, Digest digest) {
        this.library = library;
        this.table = table;
        this.decoder = decoder;
        this.bos = bos;
        this.digest = digest;
    }

    /// @param bos the token that every text starts with
    static JsonTokenizer of(String file, ObjectNode json, OptionalInt bos) {
        TokenTable table = TokenTable.of(file, json);
        DecoderKind decoder = DecoderKind.of(file, json);
        Digest digest = new DigestBuilder("openlora/tokenizer/v1").lpJcs(json).finish();
        return new JsonTokenizer(load(file, json), table, decoder, bos, digest);
    }

    private static HuggingFaceTokenizer load(String file, ObjectNode json) {
        // At its first use DJL asks the cloud's metadata service where it runs and reports home; engines do
        // neither.
        System.setProperty("OPT_OUT_TRACKING", "true");
        ObjectNode whole = json.deepCopy();
        whole.putNull("truncation");
        whole.putNull("padding");
        try {
            byte[] bytes = whole.toString().getBytes(StandardCharsets.UTF_8);
            return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(bytes), OPTIONS);
        } catch (IOException | RuntimeException e) {
            throw new ModelLoadException("%s: not a usable tokenizer: %s".formatted(file, OneLine.reason(e)), e);
        }
    }

    @Override
    public int[] encode(String text) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new IllegalArgumentException("the text has an unpaired surrogate; it must be valid Unicode");
        }
        long[] ids = library.encode(text, false, false).getIds();
        int[] tokens = Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
        if (bos.isEmpty() || (tokens.length > 0 && tokens[0] == bos.getAsInt())) {
            return tokens;
        }
        int[] started = new int[tokens.length + 1];
        started[0] = bos.getAsInt();
        System.arraycopy(tokens, 0, started, 1, tokens.length);
        return started;
    }

    @Override
    public String decode(int[] ids) {
        StreamingDetokenizer detokenizer = newDetokenizer();
        StringBuilder text = new StringBuilder();
        for (int id : ids) {
            text.append(detokenizer.add(id));
        }
        return text.append(detokenizer.finish()).toString();
    }

    /// What the native library makes of the tokens: the reference for [#decode].
    String decodeByLibrary(int[] ids) {
        return library.decode(Arrays.stream(ids).asLongStream().toArray(), true);
    }

    @Override
    public StreamingDetokenizer newDetokenizer() {
        return decoder.detokenizer(table);
    }

    @Override
    public Digest digest() {
        return digest;
    }

    @Override
    public int vocabularySize() {
        return table.size();
    }

    @Override
    public OptionalInt tokenId(String token) {
        return table.id(token);
    }

    @Override
    public boolean isSpecial(int id) {
        return table.isSpecial(id);
    }

    @Override
    public void close() {
        library.close();
    }
}
