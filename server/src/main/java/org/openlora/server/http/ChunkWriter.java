package org.openlora.server.http;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.server.serving.Admission;

/// Writes the server-sent events of one answer: `data: {json}` and an empty line each. What stands around a token's
/// text is encoded once for the whole answer.
final class ChunkWriter {
    private static final byte[] DONE = ascii("data: [DONE]\n\n");
    private static final byte[] INDEX = ascii("{\"index\":");
    private static final byte[] TEXT_OPEN = ascii(",\"text\":\"");
    private static final byte[] TEXT_CLOSE = ascii("\"");
    private static final byte[] DELTA_OPEN = ascii(",\"delta\":{\"content\":\"");
    private static final byte[] DELTA_CLOSE = ascii("\"}");
    private static final byte[] DELTA_EMPTY = ascii(",\"delta\":{}");
    private static final byte[] DELTA_ROLE = ascii(",\"delta\":{\"role\":\"assistant\",\"content\":\"\"}");
    private static final byte[] NO_LOGPROBS = ascii(",\"logprobs\":null");
    private static final byte[] LOGPROBS = ascii(",\"logprobs\":");
    private static final byte[] UNFINISHED = ascii(",\"finish_reason\":null}]");

    private final CompletionRequest request;
    private final LogprobsJson logprobs;
    private final byte[] head;
    private final byte[] unfinishedEnd;

    ChunkWriter(CompletionRequest request, ReplyHead reply, LogprobsJson logprobs) {
        this.request = request;
        this.logprobs = logprobs;
        JsonBuffer start = new JsonBuffer().raw("data: ");
        reply.write(start, request.kind().chunk());
        head = start.toByteArray();
        // OpenAI's events say that their usage comes later, where it will come.
        unfinishedEnd = ascii(request.includeUsage() ? ",\"usage\":null}\n\n" : "}\n\n");
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /// The first event of a choice: who speaks. Text completions have none.
    void role(JsonBuffer out, int choice, TokenCounts counts) {
        if (request.kind() == ReplyKind.CHAT) {
            out.raw(head)
                    .raw(INDEX)
                    .integer(choice)
                    .raw(DELTA_ROLE)
                    .raw(NO_LOGPROBS)
                    .raw(UNFINISHED);
            end(out, counts);
        }
    }

    /// One token, also one whose text is not certain yet.
    void delta(JsonBuffer out, int choice, String text, @Nullable TokenLogprobs token, TokenCounts counts) {
        out.raw(head).raw(INDEX).integer(choice);
        content(out, text);
        if (token == null) {
            out.raw(NO_LOGPROBS);
        } else {
            out.raw(LOGPROBS);
            logprobs.write(out, request.kind(), token);
        }
        out.raw(UNFINISHED);
        end(out, counts);
    }

    /// A first guess at whose text the newest tokens are, beside no text.
    void attributed(JsonBuffer out, int choice, ProvisionalSpan span, TokenCounts counts) {
        out.raw(head).raw(INDEX).integer(choice);
        if (request.kind() == ReplyKind.CHAT) {
            out.raw(DELTA_EMPTY);
        } else {
            content(out, "");
        }
        out.raw(NO_LOGPROBS).raw(",\"openlora\":");
        Evidence.writeProvisional(out, span);
        out.raw(UNFINISHED);
        end(out, counts);
    }

    /// The last event of a choice, with the text held back until then.
    void finished(
            JsonBuffer out, int choice, GenerationEvent.Finished finished, Admission admission, TokenCounts counts) {
        out.raw(head).raw(INDEX).integer(choice);
        if (request.kind() == ReplyKind.CHAT && finished.text().isEmpty()) {
            out.raw(DELTA_EMPTY);
        } else {
            content(out, finished.text());
        }
        out.raw(NO_LOGPROBS).raw(",\"finish_reason\":\"").raw(FinishReasons.name(finished.reason()));
        out.raw("\"");
        if (request.evidence()) {
            out.raw(",\"openlora\":");
            Evidence.write(out, admission, finished);
        }
        out.raw("}]");
        end(out, counts);
    }

    private void content(JsonBuffer out, String text) {
        switch (request.kind()) {
            case TEXT -> out.raw(TEXT_OPEN).text(text).raw(TEXT_CLOSE);
            case CHAT -> out.raw(DELTA_OPEN).text(text).raw(DELTA_CLOSE);
        }
    }

    private void end(JsonBuffer out, TokenCounts counts) {
        if (request.continuousUsage()) {
            out.raw(",\"usage\":");
            counts.write(out);
            out.raw("}\n\n");
        } else {
            out.raw(unfinishedEnd);
        }
    }

    /// The end of the answer: the usage if it was asked for, and the mark that no more comes.
    void done(JsonBuffer out, TokenCounts counts) {
        if (request.includeUsage()) {
            out.raw(head).raw("],\"usage\":");
            counts.write(out);
            out.raw("}\n\n");
        }
        out.raw(DONE);
    }

    /// An error after the answer has begun, and the end.
    static void failed(JsonBuffer out, ApiError error) {
        out.raw("data: ");
        error.write(out);
        out.raw("\n\n").raw(DONE);
    }
}
