package org.openlora.meter.evidence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRow;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// Small datanets whose text is token ids written out, and requests on them.
public final class Fixtures {
    public static final Bytes32 TOKENIZER = Keccak256.hash("tokenizer of numbers");
    /// Cuts "3 1 4" into 3, 1, 4.
    public static final TokenEncoder ENCODER =
            text -> Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();

    private Fixtures() {}

    public static Bytes32 word(String text) {
        return Keccak256.hash(text);
    }

    public static Address address(String text) {
        return Address.of(Arrays.copyOf(word(text).bytes(), Address.SIZE_BYTES));
    }

    /// A datanet of rows; row i is by contributor `i % contributors`.
    public static Datanet datanet(String id, int contributors, List<int[]> rows) {
        Bytes32 salt = word("salt of " + id);
        List<Contributor> people = new ArrayList<>();
        for (int c = 0; c < contributors; c++) {
            String name = "person-" + c;
            people.add(new Contributor(name, Contributor.hash(salt, name), name, address(id + name)));
        }
        List<DatanetRow> texts = new ArrayList<>();
        for (int r = 0; r < rows.size(); r++) {
            texts.add(new DatanetRow(r % contributors, null, text(rows.get(r))));
        }
        return Datanet.of(id, "1", id, "CC0-1.0", salt, people, texts);
    }

    public static String text(int[] ids) {
        return Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" "));
    }

    public static LineageCorpora lineage(List<Datanet> datanets) {
        return lineage(datanets, ScorerVersion.CURRENT);
    }

    public static LineageCorpora lineage(List<Datanet> datanets, ScorerVersion version) {
        return LineageCorpora.of(datanets, TOKENIZER, ENCODER, version);
    }

    public static int[] random(Random random, int length, int alphabet) {
        return random.ints(length, 0, alphabet).toArray();
    }

    /// Random rows, some of them copies of others.
    public static List<int[]> randomRows(Random random, int count, int alphabet) {
        List<int[]> rows = new ArrayList<>();
        for (int r = 0; r < count; r++) {
            rows.add(
                    r > 0 && random.nextInt(4) == 0
                            ? rows.get(random.nextInt(r))
                            : random(random, 1 + random.nextInt(12), alphabet));
        }
        return rows;
    }

    public static AdapterUsage adapter(String name, int scalePpm, LineageShare... lineage) {
        return new AdapterUsage(
                new AdapterUse(word(name), word("manifest of " + name), scalePpm, 0),
                List.of(lineage),
                address("owner of " + name));
    }

    /// A request served by these adapters, scored by these datanets.
    public static UsageRow row(
            String request,
            List<AdapterUsage> adapters,
            int[] prompt,
            int[] output,
            int cachedTokens,
            ScoringVersions versions) {
        return new UsageRow(
                word(request),
                "node-1",
                word("account"),
                address("payer"),
                1_790_000_000_000L,
                1_790_000_001_000L,
                word("base"),
                TOKENIZER,
                word("numeric path"),
                adapters.stream()
                        .sorted((a, b) -> a.use().digest().compareTo(b.use().digest()))
                        .toList(),
                TokenIds.of(prompt),
                TokenIds.of(output),
                cachedTokens,
                0,
                word("salt of " + request),
                versions);
    }

    public static ScoringVersions versions(List<Datanet> datanets) {
        return versions(datanets, ScorerVersion.CURRENT);
    }

    public static ScoringVersions versions(List<Datanet> datanets, ScorerVersion version) {
        return new ScoringVersions(
                version.id(), datanets.stream().map(Datanet::digest).toList(), word("payees"), word("price book"));
    }
}
