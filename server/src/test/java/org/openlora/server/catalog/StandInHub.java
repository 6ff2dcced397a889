package org.openlora.server.catalog;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;

/// A hub in the layout of the Hugging Face hub, on this machine: LFS files are redirected to a second host,
/// others are served with their git blob id as the ETag. Its faults are set by the tests.
final class StandInHub implements AutoCloseable {
    private final HttpServer hub = start();
    private final HttpServer storage = start();
    private final Map<String, byte[]> files = new TreeMap<>();
    private final List<String> ranges = new CopyOnWriteArrayList<>();
    private final List<String> authorizations = new CopyOnWriteArrayList<>();
    private volatile String commit = "a".repeat(40);
    private volatile long breakAfterBytes = -1;
    private volatile long stallAfterBytes = -1;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ExecutorService storageThreads = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean corrupt;

    StandInHub() {
        hub.createContext("/", this::serveHub);
        storage.createContext("/", this::serveStorage);
        storage.setExecutor(storageThreads);
        hub.start();
        storage.start();
    }

    StandInHub with(String file, byte[] content) {
        files.put(file, content);
        return this;
    }

    /// The next transfer of an LFS file stops after so many bytes and stays open, once.
    void stallAfter(long bytes) {
        stallAfterBytes = bytes;
    }

    /// The next transfer of an LFS file ends after so many bytes, once.
    void breakAfter(long bytes) {
        breakAfterBytes = bytes;
    }

    void corruptTransfers() {
        corrupt = true;
    }

    void moveTo(String otherCommit) {
        commit = otherCommit;
    }

    List<String> ranges() {
        return ranges;
    }

    List<String> storageAuthorizations() {
        return authorizations;
    }

    String endpoint() {
        return "http://127.0.0.1:" + hub.getAddress().getPort();
    }

    @Override
    public void close() {
        closing.countDown();
        hub.stop(0);
        storage.stop(0);
        storageThreads.close();
    }

    private void serveHub(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/api/models/acme/tiny/revision/")) {
                String siblings = files.keySet().stream()
                        .map("{\"rfilename\":\"%s\"}"::formatted)
                        .collect(Collectors.joining(","));
                send(
                        exchange,
                        "{\"sha\":\"%s\",\"siblings\":[%s]}"
                                .formatted(commit, siblings)
                                .getBytes(StandardCharsets.UTF_8));
                return;
            }
            String prefix = "/acme/tiny/resolve/%s/".formatted(commit);
            byte[] content = path.startsWith(prefix) ? files.get(path.substring(prefix.length())) : null;
            if (content == null) {
                exchange.sendResponseHeaders(404, -1);
            } else if (path.endsWith(".safetensors")) {
                exchange.getResponseHeaders().set("X-Linked-ETag", "\"" + sha256(content) + "\"");
                exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(content.length));
                exchange.getResponseHeaders()
                        .set(
                                "Location",
                                "http://127.0.0.1:%d%s"
                                        .formatted(storage.getAddress().getPort(), path));
                exchange.sendResponseHeaders(302, -1);
            } else {
                exchange.getResponseHeaders().set("ETag", "\"" + gitBlob(content) + "\"");
                send(exchange, content);
            }
        }
    }

    private void serveStorage(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            byte[] content = Objects.requireNonNull(files.get(path.substring(path.lastIndexOf('/') + 1)))
                    .clone();
            authorizations.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
            if (corrupt) {
                content[content.length / 2] ^= 1;
            }
            // A storage host has an ETag of its own that is no hash of the content.
            exchange.getResponseHeaders().set("ETag", "\"" + "0".repeat(64) + "\"");
            String range = exchange.getRequestHeaders().getFirst("Range");
            int from = 0;
            if (range != null) {
                ranges.add(range);
                from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            }
            exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
            int length = content.length - from;
            if (breakAfterBytes >= 0 && breakAfterBytes < length) {
                length = (int) breakAfterBytes;
                breakAfterBytes = -1;
            }
            try (OutputStream body = exchange.getResponseBody()) {
                if (stallAfterBytes >= 0) {
                    body.write(content, from, (int) stallAfterBytes);
                    body.flush();
                    stallAfterBytes = -1;
                    closing.await();
                    return;
                }
                body.write(content, from, length);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static void send(HttpExchange exchange, byte[] content) throws IOException {
        exchange.sendResponseHeaders(200, content.length);
        try (OutputStream body = exchange.getResponseBody()) {
            body.write(content);
        }
    }

    private static HttpServer start() {
        try {
            return HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String sha256(byte[] content) {
        return hash("SHA-256", content);
    }

    private static String gitBlob(byte[] content) {
        byte[] head = "blob %d\0".formatted(content.length).getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + content.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return hash("SHA-1", all);
    }

    private static String hash(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
