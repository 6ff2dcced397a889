package org.openlora.benchmarks.load;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.openlora.server.problem.Problem;

/// A client that asks for a long answer and never reads it, until it is closed.
///
/// It speaks HTTP over a bare socket with the smallest receive buffer: a well-behaved client would take the
/// bytes off the network whether its caller wants them or not.
public final class StalledClient implements AutoCloseable {
    private static final int RECEIVE_BUFFER_BYTES = 1024;
    private static final int CONNECT_MILLIS = 5_000;

    private final Socket socket;

    private StalledClient(Socket socket) {
        this.socket = socket;
    }

    /// Sends `request` and goes to sleep.
    ///
    /// @throws Problem if the server cannot be reached
    public static StalledClient start(URI server, CompletionRequest request) {
        Socket socket = new Socket();
        try {
            socket.setReceiveBufferSize(RECEIVE_BUFFER_BYTES);
            int port = server.getPort() < 0 ? 80 : server.getPort();
            socket.connect(new InetSocketAddress(InetAddress.getByName(server.getHost()), port), CONNECT_MILLIS);
            byte[] body = request.body();
            OutputStream out = socket.getOutputStream();
            out.write("""
                    POST %s HTTP/1.1\r
                    Host: %s\r
                    Content-Type: application/json\r
                    Content-Length: %d\r
                    \r
                    """.formatted(CompletionsClient.PATH, server.getAuthority(), body.length)
                    .getBytes(StandardCharsets.US_ASCII));
            out.write(body);
            out.flush();
            return new StalledClient(socket);
        } catch (IOException e) {
            throw new Problem(
                    "the stalled client cannot reach %s: %s".formatted(server, Problem.describe(e)),
                    "check --url and whether the server runs",
                    e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new Problem("the stalled client cannot be closed: " + Problem.describe(e), "ignore it", e);
        }
    }
}
