package org.openlora.meter;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.openlora.meter.database.LedgerException;
import org.openlora.meter.pricing.PriceBooks;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Reads the schedule of price books again and again, well within the notice that a late book takes, so that no request
/// waits for the database to learn its price book.
final class PriceRefresh implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(PriceRefresh.class);
    private static final Duration INTERVAL = PriceBooks.NOTICE.dividedBy(6);

    private final PriceBooks books;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Thread thread;

    PriceRefresh(PriceBooks books) {
        this.books = books;
        this.thread = Thread.ofVirtual().name("price-books").start(this::run);
    }

    private void run() {
        try {
            while (!closed.await(INTERVAL.toMillis(), TimeUnit.MILLISECONDS)) {
                refresh();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void refresh() {
        try {
            books.refresh();
        } catch (LedgerException e) {
            log.warn("the schedule of price books cannot be read: {}; the one in memory holds", e.getMessage());
        }
    }

    /// Lets a reading in hand end: an interrupt would take its connection with it.
    @Override
    public void close() {
        closed.countDown();
        Threads.join(thread);
    }
}
