package org.openlora.meter;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.openlora.meter.evm.Bytes32;

/// One life of a [LedgerChild], and what was received of it over its pipe: what stood in it when the process ended was
/// sent, and counts.
final class LedgerLife {
    final Set<Integer> acknowledged = new HashSet<>();
    final Set<Integer> refused = new HashSet<>();
    final Map<Long, Bytes32> sealed = new HashMap<>();
    final List<String> health = new ArrayList<>();
    boolean done;

    /// Lives to its end, whichever it is.
    ///
    /// @param heard is told of each line, and may act on the process
    static LedgerLife live(LedgerChild.Work work, Heard heard) throws IOException, InterruptedException {
        Path errors = Files.createTempFile("ledger-child-", ".log");
        Process process = new ProcessBuilder(LedgerChild.command(work))
                .redirectError(Redirect.to(errors.toFile()))
                .start();
        AtomicBoolean killed = new AtomicBoolean();
        Runnable kill = () -> {
            killed.set(true);
            process.toHandle().destroyForcibly(); // unlike the process itself, leaves its output readable
        };
        LedgerLife life = new LedgerLife();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                life.hear(line);
                heard.line(line, process, kill);
            }
        }
        int status = process.waitFor();
        if (!life.done && !killed.get()) {
            throw new IllegalStateException(
                    "the child ended by itself with status " + status + ": " + Files.readString(errors));
        }
        Files.delete(errors);
        return life;
    }

    /// Told of each line.
    @FunctionalInterface
    interface Heard {
        void line(String line, Process process, Runnable kill) throws IOException, InterruptedException;
    }

    private void hear(String line) {
        String[] words = line.split(" ", -1);
        switch (words[0]) {
            case "open", "unsealed" -> {}
            case "acknowledged" -> acknowledged.add(Integer.parseInt(words[1]));
            case "refused" -> refused.add(Integer.parseInt(words[1]));
            case "sealed" -> sealed.put(Long.parseLong(words[1]), Bytes32.parse(words[2]));
            case "health" -> health.add(words[1]);
            case "done" -> done = true;
            default -> throw new IllegalStateException("the child said: " + line);
        }
    }
}
