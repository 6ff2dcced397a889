package org.openlora.server.serving;

import java.util.ArrayDeque;
import java.util.Deque;

/// Resources that are being opened one after the other: closed again, last first, unless all of them were kept.
final class Opening implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    <T extends AutoCloseable> T add(T resource) {
        opened.push(resource);
        return resource;
    }

    /// All went well: closing this closes nothing.
    void keep() {
        opened.clear();
    }

    /// Closes everything, whatever fails on the way; the first failure is thrown with the others attached.
    @Override
    public void close() {
        RuntimeException first = null;
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (Exception e) {
                RuntimeException failure =
                        e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
                if (first == null) {
                    first = failure;
                } else {
                    first.addSuppressed(failure);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
