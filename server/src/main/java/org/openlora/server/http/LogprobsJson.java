package org.openlora.server.http;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntFunction;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.engine.sampling.TokenLogprobs.TokenLogprob;

/// Log-probabilities in the two forms of the API.
///
/// @param token the text of one token
record LogprobsJson(IntFunction<String> token) {
    /// Of one token.
    void write(JsonBuffer out, ReplyKind kind, TokenLogprobs one) {
        write(out, kind, List.of(one));
    }

    /// Of a whole answer's tokens.
    void write(JsonBuffer out, ReplyKind kind, List<TokenLogprobs> tokens) {
        switch (kind) {
            case TEXT -> completions(out, tokens);
            case CHAT -> chat(out, tokens);
        }
    }

    /// `{"tokens":[…],"token_logprobs":[…],"top_logprobs":[{…}]}`. Of tokens with the same text the likeliest counts.
    private void completions(JsonBuffer out, List<TokenLogprobs> tokens) {
        out.raw("{\"tokens\":[");
        for (int i = 0; i < tokens.size(); i++) {
            separate(out, i).string(text(tokens.get(i).drawn()));
        }
        out.raw("],\"token_logprobs\":[");
        for (int i = 0; i < tokens.size(); i++) {
            separate(out, i).number(tokens.get(i).drawn().logprob());
        }
        out.raw("],\"top_logprobs\":[");
        for (int i = 0; i < tokens.size(); i++) {
            separate(out, i).raw("{");
            List<TokenLogprob> top = tokens.get(i).top();
            Set<String> written = new HashSet<>();
            for (TokenLogprob likely : top) {
                String text = text(likely);
                if (written.add(text)) {
                    separate(out, written.size() - 1).string(text).raw(":").number(likely.logprob());
                }
            }
            out.raw("}");
        }
        out.raw("]}");
    }

    /// `{"content":[{"token","logprob","bytes","top_logprobs":[…]}]}`.
    private void chat(JsonBuffer out, List<TokenLogprobs> tokens) {
        out.raw("{\"content\":[");
        for (int i = 0; i < tokens.size(); i++) {
            separate(out, i).raw("{");
            entry(out, tokens.get(i).drawn());
            out.raw(",\"top_logprobs\":[");
            List<TokenLogprob> top = tokens.get(i).top();
            for (int k = 0; k < top.size(); k++) {
                separate(out, k).raw("{");
                entry(out, top.get(k));
                out.raw("}");
            }
            out.raw("]}");
        }
        out.raw("]}");
    }

    private void entry(JsonBuffer out, TokenLogprob one) {
        String text = text(one);
        out.raw("\"token\":")
                .string(text)
                .raw(",\"logprob\":")
                .number(one.logprob())
                .raw(",\"bytes\":[");
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < bytes.length; i++) {
            separate(out, i).integer(bytes[i] & 0xff);
        }
        out.raw("]");
    }

    private String text(TokenLogprob one) {
        return token.apply(one.tokenId());
    }

    private static JsonBuffer separate(JsonBuffer out, int index) {
        return index == 0 ? out : out.raw(",");
    }
}
