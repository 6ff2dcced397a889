package org.openlora.adapters.transfer;

/// Watches files on their way here.
public interface TransferProgress {
    /// A transfer begins.
    ///
    /// @param file its name
    /// @param doneBytes what an earlier attempt left
    /// @param totalBytes its size, -1 where it is not known
    Transfer begin(String file, long doneBytes, long totalBytes);

    /// One transfer; closing it ends it, complete or not.
    interface Transfer extends AutoCloseable {
        /// So many bytes are here now, those of earlier attempts included.
        void at(long doneBytes);

        @Override
        void close();
    }

    /// Watches nothing.
    static TransferProgress silent() {
        return (file, doneBytes, totalBytes) -> new Transfer() {
            @Override
            public void at(long done) {}

            @Override
            public void close() {}
        };
    }
}
