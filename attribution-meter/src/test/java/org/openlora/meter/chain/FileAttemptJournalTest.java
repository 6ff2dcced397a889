package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.chain.AttemptJournal.Attempt;
import org.openlora.meter.chain.AttemptJournal.ChainIdentity;
import org.openlora.meter.evm.Bytes32;

class FileAttemptJournalTest {
    private static final Bytes32 WORD = new Bytes32(1, 2, 3, 4);

    @TempDir
    Path folder;

    @Test
    void open_afterClose_everythingIsThere() throws IOException {
        Path file = folder.resolve("journal");
        try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
            journal.bind(new ChainIdentity(31337, WORD));
            journal.recordAttempt(attempt(1, 5));
            journal.recordAttempt(attempt(1, 6));
            journal.recordAttempt(attempt(2, 7));
            journal.recordLanded(2, WORD);
            journal.recordLanded(1, Bytes32.ZERO);
            journal.recordFinal(1);
        }
        try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
            assertThat(journal.identity()).contains(new ChainIdentity(31337, WORD));
            assertThat(journal.attempts(1)).containsExactly(attempt(1, 5), attempt(1, 6));
            assertThat(journal.attempts(2)).containsExactly(attempt(2, 7));
            assertThat(journal.attempts(3)).isEmpty();
            assertThat(journal.landedNumber()).isEqualTo(1);
            assertThat(journal.finalNumber()).isEqualTo(1);
            assertThatThrownBy(() -> journal.bind(new ChainIdentity(1, WORD)))
                    .hasMessageContaining("bound to chain 31337");
        }
    }

    @Test
    void open_cutAtEveryByte_keepsEveryCompleteEntryAndGoesOn() throws IOException {
        Path file = folder.resolve("journal");
        try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
            for (int i = 1; i <= 3; i++) {
                journal.recordAttempt(attempt(1, i));
            }
        }
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length <= whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            Files.write(file, cut);
            int complete = 0;
            for (byte b : cut) {
                complete += b == '\n' ? 1 : 0;
            }
            try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
                assertThat(journal.attempts(1)).hasSize(complete);
                journal.recordAttempt(attempt(1, 9));
            }
            try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
                assertThat(journal.attempts(1)).hasSize(complete + 1).last().isEqualTo(attempt(1, 9));
            }
        }
    }

    @Test
    void open_damageBeforeTheEnd_refused() throws IOException {
        Path file = folder.resolve("journal");
        try (FileAttemptJournal journal = FileAttemptJournal.open(file)) {
            journal.recordAttempt(attempt(1, 1));
            journal.recordAttempt(attempt(1, 2));
        }
        byte[] bytes = Files.readAllBytes(file);
        bytes[20] ^= 1;
        Files.write(file, bytes);
        assertThatThrownBy(() -> FileAttemptJournal.open(file)).hasMessageContaining("is damaged at byte 0");
        assertThat(Files.readAllBytes(file)).isEqualTo(bytes);
    }

    @Test
    void open_heldByAnother_refused() throws IOException {
        Path file = folder.resolve("journal");
        try (FileAttemptJournal held = FileAttemptJournal.open(file)) {
            assertThatThrownBy(() -> FileAttemptJournal.open(file)).hasMessageContaining("another flusher holds");
            assertThat(held.attempts(1)).isEqualTo(List.of());
        }
    }

    static Attempt attempt(long batch, long nonce) {
        return new Attempt(batch, nonce, WORD, "0x02", BigInteger.ONE, BigInteger.TEN, 1_790_000_000_000L + nonce);
    }
}
