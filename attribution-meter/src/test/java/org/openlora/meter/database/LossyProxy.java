package org.openlora.meter.database;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;

/// Stands between a client and PostgreSQL, and ends a connection at its next commit.
final class LossyProxy implements AutoCloseable {
    /// What becomes of the next commit.
    enum Fault {
        NONE,
        /// The server never sees it.
        QUESTION_LOST,
        /// The server makes it, and the client never hears of it.
        ANSWER_LOST
    }

    private static final String COMMIT = "COMMIT";

    private final ServerSocket listener;
    private final int target;
    private final AtomicReference<Fault> next = new AtomicReference<>(Fault.NONE);

    LossyProxy(int target) throws IOException {
        this.target = target;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    void fail(Fault fault) {
        next.set(fault);
    }

    /// Whether the fault has happened.
    boolean isDone() {
        return next.get() == Fault.NONE;
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
                AtomicReference<Boolean> deaf = new AtomicReference<>(false);
                Thread.ofVirtual().start(() -> forward(client, server, deaf, true));
                Thread.ofVirtual().start(() -> forward(server, client, deaf, false));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    /// @param deaf whether the server's next answer is swallowed, and both ends are closed after it
    private void forward(Socket from, Socket to, AtomicReference<Boolean> deaf, boolean questions) {
        byte[] buffer = new byte[1 << 16];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                if (questions && new String(buffer, 0, n, StandardCharsets.ISO_8859_1).contains(COMMIT)) {
                    Fault fault = next.getAndSet(Fault.NONE);
                    if (fault == Fault.QUESTION_LOST) {
                        return;
                    }
                    deaf.set(fault == Fault.ANSWER_LOST);
                }
                if (!questions && deaf.get()) {
                    return;
                }
                out.write(buffer, 0, n);
            }
        } catch (IOException e) {
            // The other direction has closed both.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
