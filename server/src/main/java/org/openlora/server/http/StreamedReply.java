package org.openlora.server.http;

import com.linecorp.armeria.common.HttpData;
import com.linecorp.armeria.common.HttpHeaderNames;
import com.linecorp.armeria.common.HttpResponseWriter;
import com.linecorp.armeria.common.HttpStatus;
import com.linecorp.armeria.common.MediaType;
import com.linecorp.armeria.common.ResponseHeaders;
import com.linecorp.armeria.server.ServiceRequestContext;
import io.netty.channel.EventLoop;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.GenerationSink;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.server.serving.Admission;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An answer as server-sent events, one for each token.
///
/// **Threads.** The engine's threads leave events in a queue and go on. The connection's event loop takes all that
/// wait, writes them as one piece, and takes the next ones when the socket has taken that: a client that reads slowly
/// gets fewer, larger pieces. One that does not read at all fills the queue, which is bounded; then its request is
/// aborted. Nobody else notices.
final class StreamedReply implements Reply {
    private static final Logger log = LoggerFactory.getLogger(StreamedReply.class);
    private static final ResponseHeaders HEADERS = ResponseHeaders.builder(HttpStatus.OK)
            .contentType(MediaType.EVENT_STREAM)
            .add(HttpHeaderNames.CACHE_CONTROL, "no-cache")
            .build();
    private static final long SECONDS_TO_TAKE_THE_END = 60;

    private final HttpResponseWriter response;
    private final EventLoop eventLoop;
    private final CompletionRequest request;
    private final Conversation conversation;
    private final int mostBuffered;

    private final Queue<PromptEvent> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger queued = new AtomicInteger();
    /// Whether somebody is to empty the queue, or will be when the socket is free. At first, [#begin].
    private final AtomicBoolean draining = new AtomicBoolean(true);
    /// Whether events are still taken: not after the end, nor once the queue was full or the client gone.
    private final AtomicBoolean closed = new AtomicBoolean();

    // Of the event loop.
    private final JsonBuffer out = new JsonBuffer();
    private final TokenCounts counts = new TokenCounts();
    private @Nullable Begun begun;
    private int unfinished;
    private boolean headersWritten;
    private boolean ended;

    private record PromptEvent(int prompt, GenerationEvent event) {}

    private record Begun(List<Admission> admissions, ChunkWriter chunks) {}

    /// @param mostBuffered events that may wait for the client
    StreamedReply(
            ServiceRequestContext context,
            HttpResponseWriter response,
            CompletionRequest request,
            Conversation conversation,
            int mostBuffered) {
        this.response = response;
        this.eventLoop = context.eventLoop().withoutContext();
        this.request = request;
        this.conversation = conversation;
        this.mostBuffered = mostBuffered;
        this.unfinished = request.prompts().size() * request.choices();
    }

    @Override
    public GenerationSink sink(int prompt) {
        return event -> offer(new PromptEvent(prompt, event));
    }

    private void offer(PromptEvent event) {
        if (closed.get()) {
            return;
        }
        if (event.event() instanceof GenerationEvent.Attributed && queued.get() > mostBuffered / 2) {
            return; // A client that reads slowly goes without.
        }
        if (queued.incrementAndGet() > mostBuffered) {
            if (closed.compareAndSet(false, true)) {
                eventLoop.execute(this::giveUp);
            }
            return;
        }
        queue.add(event);
        if (draining.compareAndSet(false, true)) {
            eventLoop.execute(this::drain);
        }
    }

    @Override
    public void begin(List<Admission> admissions) {
        ReplyHead head = conversation.head(admissions);
        ChunkWriter chunks = new ChunkWriter(request, head, conversation.logprobs());
        var _ = response.whenComplete().handle((_, failure) -> {
            if (failure != null) {
                closed.set(true);
                conversation.abort(admissions);
            }
            return null;
        });
        eventLoop.execute(() -> {
            begun = new Begun(admissions, chunks);
            admissions.forEach(counts::admitted);
            drain();
        });
    }

    private void drain() {
        Begun answer = begun;
        if (answer == null || closed.get()) {
            return;
        }
        PromptEvent next = queue.poll();
        while (next != null) {
            queued.decrementAndGet();
            write(answer, next);
            next = ended ? null : queue.poll();
        }
        if (out.isEmpty()) {
            rest();
            return;
        }
        boolean open = response.tryWrite(HttpData.wrap(out.toByteArray()));
        out.clear();
        if (!open) {
            return; // The client went away; the response's completion aborts what still runs.
        }
        if (ended) {
            end();
        } else {
            var _ = response.whenConsumed().handle((_, failure) -> {
                if (failure == null) {
                    drain();
                }
                return null;
            });
        }
    }

    private void rest() {
        draining.set(false);
        if (!queue.isEmpty() && draining.compareAndSet(false, true)) {
            drain();
        }
    }

    private void write(Begun answer, PromptEvent next) {
        int first = next.prompt() * request.choices();
        Admission admission = answer.admissions().get(next.prompt());
        switch (next.event()) {
            case GenerationEvent.Started _ -> {
                for (int choice = first; choice < first + request.choices(); choice++) {
                    open(answer.chunks(), next.prompt(), choice);
                }
            }
            case GenerationEvent.Delta delta -> {
                counts.generated(1);
                answer.chunks().delta(out, first + delta.choice(), delta.text(), delta.logprobs(), counts);
            }
            case GenerationEvent.Attributed(int choice, ProvisionalSpan span) ->
                answer.chunks().attributed(out, first + choice, span, counts);
            case GenerationEvent.Finished finished -> {
                counts.finished(finished.usage());
                answer.chunks().finished(out, first + finished.choice(), finished, admission, counts);
                if (--unfinished == 0) {
                    answer.chunks().done(out, counts);
                    endHere();
                }
            }
            case GenerationEvent.Failed(var cause) -> fail(answer, ApiError.of(cause));
        }
    }

    private void open(ChunkWriter chunks, int prompt, int choice) {
        writeHeaders();
        chunks.role(out, choice, counts);
        if (request.echo()) {
            chunks.delta(out, choice, conversation.text(request.prompts().get(prompt)), null, counts);
        }
    }

    private void writeHeaders() {
        if (!headersWritten) {
            headersWritten = true;
            var _ = response.tryWrite(HEADERS);
        }
    }

    /// Whatever comes later is not for the client.
    private void endHere() {
        ended = true;
        closed.set(true);
    }

    private void fail(Begun answer, ApiError error) {
        endHere();
        conversation.abort(answer.admissions());
        if (headersWritten) {
            ChunkWriter.failed(out, error);
        } else {
            response.close(error.response());
        }
    }

    private void end() {
        response.close();
        // The answer is complete; a client that does not take it keeps a connection and nothing else, for so long.
        var _ = eventLoop.schedule(() -> response.abort(), SECONDS_TO_TAKE_THE_END, TimeUnit.SECONDS);
    }

    private void giveUp() {
        log.warn(
                "the client of {} does not read: {} events wait, the request is aborted",
                begun == null ? "a request" : begun.admissions().getFirst().requestId(),
                mostBuffered);
        // Its completion aborts what still runs.
        response.abort();
    }
}
