package org.openlora.benchmarks.ledger;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Random;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// Makes rows as a server of the example adapters would: one adapter each, of one datanet, whose answers repeat
/// pieces of it. The same rows for the same seed.
final class UsageRows {
    private static final String SOURCE = "bench";
    private static final Address OWNER = account("owner");
    private static final Address PAYER = account("payer");
    private static final Bytes32 BASE = Keccak256.hash("bench base");
    private static final Bytes32 PATH = Keccak256.hash("bench path");
    private static final Bytes32 ACCOUNT = Keccak256.hash("bench account");
    /// Of an answer, one part in so many repeats a row of the datanet.
    private static final int REPEATED_PART = 2;

    private final Bytes32 tokenizer;
    private final List<Source> sources = new ArrayList<>();
    private final int promptTokens;
    private final int outputTokens;
    private final Random random = new Random(1);
    private long made;

    /// A datanet's tokens, one row after the other, and the adapter that learned from it.
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Source(AdapterUsage adapter, int[] tokens) {}

    UsageRows(Collection<Datanet> datanets, Tokenizer tokenizer, int promptTokens, int outputTokens) {
        this.tokenizer = Bytes32.of(tokenizer.digest().bytes());
        this.promptTokens = promptTokens;
        this.outputTokens = outputTokens;
        for (Datanet datanet : datanets) {
            int[] tokens = datanet.rows().stream()
                    .flatMapToInt(row -> Arrays.stream(tokenizer.encode(row.text())))
                    .toArray();
            AdapterUse use = new AdapterUse(
                    Keccak256.hash("adapter of " + datanet.id()),
                    Keccak256.hash("manifest of " + datanet.id()),
                    1_000_000,
                    outputTokens);
            LineageShare all = new LineageShare(datanet.digest(), 10_000);
            sources.add(new Source(new AdapterUsage(use, List.of(all), OWNER), tokens));
        }
    }

    private static Address account(String name) {
        return Address.of(Keccak256.hash("bench " + name).bytes(), Bytes32.SIZE_BYTES - Address.SIZE_BYTES);
    }

    /// The adapter of the next row, which decides what it is scored by.
    AdapterUsage nextAdapter() {
        return source().adapter();
    }

    private Source source() {
        return sources.get((int) (made % sources.size()));
    }

    UsageRow next(ScoringVersions versions) {
        Source source = source();
        long number = made++;
        int[] output = noise(source, outputTokens);
        int repeated = outputTokens / REPEATED_PART;
        System.arraycopy(piece(source, repeated), 0, output, outputTokens - repeated, repeated);
        return new UsageRow(
                Keccak256.hash("bench request " + number),
                SOURCE,
                ACCOUNT,
                PAYER,
                1_790_000_000_000L + number,
                1_790_000_001_000L + number,
                BASE,
                tokenizer,
                PATH,
                List.of(source.adapter()),
                TokenIds.of(noise(source, promptTokens)),
                TokenIds.of(output),
                promptTokens / 2,
                0,
                Keccak256.hash("bench salt " + number),
                versions);
    }

    /// Tokens of the datanet in an order that is not its own.
    private int[] noise(Source source, int length) {
        return random.ints(length, 0, source.tokens().length)
                .map(at -> source.tokens()[at])
                .toArray();
    }

    private int[] piece(Source source, int length) {
        int from = random.nextInt(source.tokens().length - length);
        return Arrays.copyOfRange(source.tokens(), from, from + length);
    }
}
