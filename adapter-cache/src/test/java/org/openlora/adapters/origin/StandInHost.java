package org.openlora.adapters.origin;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/// An HTTP host on this machine whose answers and faults a test sets: files by path, with ranges and entity tags.
final class StandInHost implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final Map<String, Queue<Fault>> faults = new ConcurrentHashMap<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private volatile Gate gate = exchange -> 200;

    /// What lies at a path.
    record Answer(int status, byte[] content, Map<String, String> headers) {}

    /// What goes wrong once.
    sealed interface Fault {
        record Status(int status, Map<String, String> headers) implements Fault {}

        /// Ends after so many bytes of the content.
        record Break(int afterBytes) implements Fault {}

        /// Stays open after so many bytes, silent.
        record Stall(int afterBytes) implements Fault {}

        /// Sends a byte at a time, for ever slower than anybody waits.
        record Drip() implements Fault {}

        record FlipByte(int at) implements Fault {}
    }

    /// A request that was made.
    record Asked(String path, @Nullable String range, @Nullable String authorization, @Nullable String ifMatch) {}

    /// Looks at each request first.
    interface Gate {
        /// 200 lets it pass, anything else is the answer.
        int status(HttpExchange exchange);
    }

    StandInHost() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.createContext("/", this::serve);
        server.setExecutor(threads);
        server.start();
    }

    String authority() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }

    URI uri() {
        return URI.create("http://" + authority());
    }

    StandInHost with(String path, byte[] content, Map<String, String> headers) {
        answers.put(path, new Answer(200, content, headers));
        return this;
    }

    StandInHost with(String path, byte[] content) {
        return with(path, content, Map.of());
    }

    StandInHost redirect(String path, String location, Map<String, String> headers) {
        var all = new java.util.HashMap<>(headers);
        all.put("Location", location);
        answers.put(path, new Answer(302, new byte[0], all));
        return this;
    }

    void gate(Gate other) {
        gate = other;
    }

    void fault(String path, Fault fault) {
        faults.computeIfAbsent(path, key -> new ArrayDeque<>()).add(fault);
    }

    List<Asked> asked() {
        return asked;
    }

    List<String> ranges() {
        return asked.stream().map(Asked::range).filter(range -> range != null).toList();
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.close();
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            Headers request = exchange.getRequestHeaders();
            String path = exchange.getRequestURI().getRawPath();
            asked.add(new Asked(
                    path,
                    request.getFirst("Range"),
                    request.getFirst("Authorization"),
                    request.getFirst("If-Match")));
            int status = gate.status(exchange);
            Answer answer = answers.get(path);
            Queue<Fault> queue = faults.get(path);
            Fault fault = queue == null ? null : queue.poll();
            if (status != 200 || answer == null) {
                exchange.sendResponseHeaders(status != 200 ? status : 404, -1);
            } else if (fault instanceof Fault.Status failing) {
                failing.headers().forEach(exchange.getResponseHeaders()::set);
                exchange.sendResponseHeaders(failing.status(), -1);
            } else {
                answer(exchange, answer, fault);
            }
        }
    }

    private void answer(HttpExchange exchange, Answer answer, @Nullable Fault fault) throws IOException {
        answer.headers().forEach(exchange.getResponseHeaders()::set);
        if (answer.status() != 200) {
            exchange.sendResponseHeaders(answer.status(), -1);
            return;
        }
        String etag = answer.headers().getOrDefault("ETag", "");
        String wanted = exchange.getRequestHeaders().getFirst("If-Match");
        if (wanted != null && !wanted.equals(etag)) {
            exchange.sendResponseHeaders(412, -1);
            return;
        }
        byte[] content = answer.content().clone();
        String range = exchange.getRequestHeaders().getFirst("Range");
        int from = range == null ? 0 : Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
        if (range != null && from >= content.length) {
            exchange.sendResponseHeaders(416, -1);
            return;
        }
        if (range != null) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
        }
        exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
        OutputStream body = exchange.getResponseBody();
        switch (fault) {
            case null -> body.write(content, from, content.length - from);
            case Fault.Break(int afterBytes) -> body.write(content, from, afterBytes);
            case Fault.Stall(int afterBytes) -> {
                body.write(content, from, afterBytes);
                body.flush();
                awaitClosing();
            }
            case Fault.Drip _ -> {
                for (int i = from; i < content.length && closing.getCount() > 0; i++) {
                    body.write(content[i]);
                    body.flush();
                    pause();
                }
            }
            case Fault.FlipByte(int at) -> {
                content[at] ^= 1;
                body.write(content, from, content.length - from);
            }
            case Fault.Status _ -> throw new IllegalStateException("answered before");
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void awaitClosing() {
        try {
            closing.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
