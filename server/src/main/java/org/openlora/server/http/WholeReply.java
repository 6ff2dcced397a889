package org.openlora.server.http;

import com.linecorp.armeria.common.AggregatedHttpResponse;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.server.ServiceRequestContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.engine.sampling.TokenLogprobs;
import org.openlora.server.serving.Admission;

/// An answer as one JSON object, when all of it is there.
final class WholeReply implements Reply {
    private final HttpResponseWriter response;
    private final Executor eventLoop;
    private final CompletionRequest request;
    private final Conversation conversation;
    private final List<Choice> choices;
    private final AtomicInteger unfinished;
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    /// One choice as it grows. Its events come one after the other.
    private static final class Choice {
        private final StringBuilder text = new StringBuilder();
        private final List<TokenLogprobs> logprobs = new ArrayList<>();
        private GenerationEvent.@Nullable Finished finished;
    }

    WholeReply(
            ServiceRequestContext context,
            HttpResponseWriter response,
            CompletionRequest request,
            Conversation conversation) {
        this.response = response;
        this.eventLoop = context.eventLoop().withoutContext();
        this.request = request;
        this.conversation = conversation;
        int count = request.prompts().size() * request.choices();
        this.choices = Stream.generate(Choice::new).limit(count).toList();
        this.unfinished = new AtomicInteger(count);
    }

    @Override
    public GenerationSink sink(int prompt) {
        int first = prompt * request.choices();
        return event -> {
            switch (event) {
                case GenerationEvent.Started _, GenerationEvent.Attributed _ -> {}
                case GenerationEvent.Delta delta -> add(choices.get(first + delta.choice()), delta);
                case GenerationEvent.Finished finished -> finish(choices.get(first + finished.choice()), finished);
                case GenerationEvent.Failed(var cause) -> ended.completeExceptionally(cause);
            }
        };
    }

    private static void add(Choice choice, GenerationEvent.Delta delta) {
        choice.text.append(delta.text());
        TokenLogprobs logprobs = delta.logprobs();
        if (logprobs != null) {
            choice.logprobs.add(logprobs);
        }
    }

    private void finish(Choice choice, GenerationEvent.Finished finished) {
        choice.text.append(finished.text());
        choice.finished = finished;
        if (unfinished.decrementAndGet() == 0) {
            ended.complete(null);
        }
    }

    @Override
    public void begin(List<Admission> admissions) {
        var _ = response.whenComplete().handle((_, failure) -> {
            if (failure != null) {
                conversation.abort(admissions);
            }
            return null;
        });
        var _ = ended.handleAsync(
                (_, failure) -> {
                    if (failure == null) {
                        response.close(whole(admissions));
                    } else {
                        conversation.abort(admissions);
                        response.close(ApiError.of(failure).response());
                    }
                    return null;
                },
                eventLoop);
    }

    private AggregatedHttpResponse whole(List<Admission> admissions) {
        JsonBuffer out = new JsonBuffer();
        TokenCounts counts = new TokenCounts();
        admissions.forEach(counts::admitted);
        conversation.head(admissions).write(out, request.kind().whole());
        for (int i = 0; i < choices.size(); i++) {
            out.raw(i == 0 ? "" : ",");
            write(out, i, admissions.get(i / request.choices()), counts);
        }
        out.raw("],\"usage\":");
        counts.write(out);
        return AggregatedHttpResponse.of(
                HttpStatus.OK, MediaType.JSON, out.raw("}").toByteArray());
    }

    private void write(JsonBuffer out, int index, Admission admission, TokenCounts counts) {
        Choice choice = choices.get(index);
        GenerationEvent.Finished finished = Objects.requireNonNull(choice.finished);
        counts.generated(finished.usage().generatedTokens());
        counts.finished(finished.usage());
        String prompt = request.echo() ? conversation.text(request.prompts().get(index / request.choices())) : "";
        out.raw("{\"index\":").integer(index);
        switch (request.kind()) {
            case TEXT -> out.raw(",\"text\":").string(prompt + choice.text);
            case CHAT ->
                out.raw(",\"message\":{\"role\":\"assistant\",\"content\":")
                        .string(choice.text.toString())
                        .raw("}");
        }
        out.raw(",\"logprobs\":");
        if (request.params().logprobs().isPresent()) {
            conversation.logprobs().write(out, request.kind(), choice.logprobs);
        } else {
            out.raw("null");
        }
        out.raw(",\"finish_reason\":\"")
                .raw(FinishReasons.name(finished.reason()))
                .raw("\"");
        if (request.evidence()) {
            out.raw(",\"openlora\":");
            Evidence.write(out, admission, finished);
        }
        out.raw("}");
    }
}
