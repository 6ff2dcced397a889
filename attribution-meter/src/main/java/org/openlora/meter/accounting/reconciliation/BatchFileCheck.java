package org.openlora.meter.accounting.reconciliation;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.OptionalLong;
import org.bouncycastle.jcajce.provider.digest.Keccak;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;

/// Reads a published batch file beside the ledger's receipts: its hash, and the first line that is not the receipt's.
final class BatchFileCheck implements AutoCloseable {
    private final DigestInputStream digested;
    private final BufferedReader lines;
    private OptionalLong firstDifference = OptionalLong.empty();

    /// @throws IOException where there is no such file, or it cannot be read
    BatchFileCheck(Path file) throws IOException {
        digested = new DigestInputStream(new BufferedInputStream(Files.newInputStream(file)), new Keccak.Digest256());
        // One character per byte: lines are compared as bytes.
        lines = new BufferedReader(new InputStreamReader(digested, StandardCharsets.ISO_8859_1));
    }

    /// Holds the next line against a receipt's signed bytes; null where the ledger has none to compare.
    void next(long seq, byte @Nullable [] signed) throws IOException {
        String line = lines.readLine();
        if (signed != null
                && firstDifference.isEmpty()
                && !new String(signed, StandardCharsets.ISO_8859_1).equals(line)) {
            firstDifference = OptionalLong.of(seq);
        }
    }

    /// The receipt whose line is not what the ledger has; empty where all compared lines agree.
    OptionalLong firstDifference() {
        return firstDifference;
    }

    /// keccak256 of the whole file.
    Bytes32 hash() throws IOException {
        lines.transferTo(Writer.nullWriter()); // the stream below digests what is read
        return Bytes32.of(digested.getMessageDigest().digest());
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
