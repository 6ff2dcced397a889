package org.openlora.meter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.database.Database;
import org.openlora.meter.database.DatabaseLocation;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evidence.CorpusLibrary;
import org.openlora.meter.evidence.LineageCorpora;
import org.openlora.meter.evidence.Scorer;
import org.openlora.meter.evidence.ScorerVersion;
import org.openlora.meter.evidence.TokenEncoder;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.exact.FixedPointLog2;
import org.openlora.meter.index.IndexStore;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PayeeTable;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Pricing;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.meter.usage.LineageShare;
import org.openlora.meter.usage.ScoringVersions;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.TokenIds;
import org.openlora.meter.usage.UsageRow;

/// The frozen formats against a second implementation in Python: `docs/vectors/attribution_reference.py`.
class AttributionVectorsTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root", ".."));
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path folder;

    private JsonNode vectors = JSON.nullNode();
    private final List<Datanet> datanets = new ArrayList<>();

    @BeforeEach
    void readVectors() throws IOException {
        vectors = JSON.readTree(ROOT.resolve("docs/vectors/attribution.json").toFile());
        for (JsonNode node : vectors.required("datanets")) {
            Path sub =
                    Files.createDirectories(folder.resolve(node.required("id").asText()));
            ObjectNode yaml = node.deepCopy();
            yaml.remove(List.of("digest", "corpusRoot", "contributorHashes"));
            yaml.put("rows", "rows.jsonl");
            Files.writeString(sub.resolve("datanet.yaml"), yaml.toString());
            Files.write(
                    sub.resolve("rows.jsonl"),
                    StreamSupport.stream(node.required("rows").spliterator(), false)
                            .map(JsonNode::toString)
                            .toList());
            Datanet datanet = Datanet.read(sub);
            datanets.add(datanet);
        }
    }

    @Test
    void datanets_digestsRootsAndContributors() {
        for (int d = 0; d < datanets.size(); d++) {
            JsonNode node = vectors.required("datanets").get(d);
            assertThat(datanets.get(d).digest()).isEqualTo(word(node, "digest"));
            assertThat(datanets.get(d).corpusRoot(word(vectors, "tokenizer"))).isEqualTo(word(node, "corpusRoot"));
            assertThat(datanets.get(d).contributors())
                    .extracting(Contributor::hash)
                    .isEqualTo(words(node.required("contributorHashes")));
        }
    }

    @Test
    void logarithmsTokenHashesScorerAndPriceBook() {
        for (JsonNode pair : vectors.required("log2")) {
            assertThat(FixedPointLog2.floor(pair.get(0).asLong()))
                    .isEqualTo(pair.get(1).asInt());
        }
        JsonNode hashes = vectors.required("tokenHashes");
        assertThat(TokenHashes.prompt(word(hashes, "salt"), ids(hashes, "ids"))).isEqualTo(word(hashes, "prompt"));
        assertThat(TokenHashes.output(word(hashes, "salt"), ids(hashes, "ids"))).isEqualTo(word(hashes, "output"));
        assertThat(ScorerVersion.V1.id()).isEqualTo(word(vectors, "scorer"));
        assertThat(Arrays.stream(ScorerVersion.values()).map(ScorerVersion::id))
                .isEqualTo(words(vectors.required("scorers")));
        assertThat(priceBook().digest()).isEqualTo(word(vectors, "priceBookDigest"));
    }

    @Test
    void requests_recordsPricesAndPayments() {
        Database database = Database.open(new DatabaseLocation.SqliteFile(folder.resolve("ledger.db")));
        try (database) {
            DatanetRegistry registry = DatanetRegistry.open(database, folder.resolve("rows"), InstantSource.system());
            datanets.forEach(registry::register);
            requests(new CorpusLibrary(
                    registry,
                    new IndexStore(folder.resolve("indices")),
                    Map.of(word(vectors, "tokenizer"), encoder())));
        }
    }

    private void requests(CorpusLibrary library) {
        PriceBook book = priceBook();
        for (JsonNode request : vectors.required("requests")) {
            ScorerVersion version = ScorerVersion.of(word(request, "scorer"));
            String title = request.required("title").asText() + ", " + version;
            UsageRow row = row(request);
            LineageCorpora lineage = library.lineage(row.versions().datanets(), row.tokenizerDigest(), version);
            AttributionRecord record = Scorer.score(row, lineage, book.rules());
            assertThat(lineage.rarity().digest()).as(title).isEqualTo(word(request, "rarity"));
            assertThat(HexFormat.of().formatHex(record.bytes()))
                    .as(title)
                    .isEqualTo(request.required("record").asText());
            assertThat(record.hash()).as(title).isEqualTo(word(request, "attribution"));
            PricedUsage priced = Pricing.price(BilledUsage.of(row), record, book, PayeeTable.of(datanets));
            assertThat(priced.pricePico())
                    .as(title)
                    .isEqualTo(request.required("price").asLong());
            assertThat(priced.payments()).as(title).isEqualTo(payments(request));
        }
    }

    @Test
    void exampleDatanets_haveTheDigestsTheirTrainerRecorded() throws IOException {
        Path recorded = ROOT.resolve("examples/digests.json");
        boolean present = Files.isRegularFile(recorded);
        if (!present) {
            System.out.println("skipped: " + recorded + " is not there");
        }
        assumeTrue(present, recorded + " is not there");
        JsonNode expected = JSON.readTree(recorded.toFile()).required("datanets");
        assertThat(expected.size()).isPositive();
        for (Map.Entry<String, JsonNode> entry : expected.properties()) {
            JsonNode value = entry.getValue();
            String digest = value.isObject() ? value.required("digest").asText() : value.asText();
            Datanet datanet = Datanet.read(ROOT.resolve("examples/datanets").resolve(entry.getKey()));
            assertThat(Sha256.text(datanet.digest())).as(entry.getKey()).isEqualTo(digest);
        }
    }

    private PriceBook priceBook() {
        return PriceBook.parse("price book", vectors.required("priceBook").toString());
    }

    private TokenEncoder encoder() {
        Map<String, Integer> ids = new HashMap<>();
        vectors.required("vocabulary").forEach(name -> ids.put(name.asText(), ids.size()));
        int unknown = Objects.requireNonNull(ids.get("<unknown>"));
        return text -> Arrays.stream(text.strip().split("\\s+"))
                .mapToInt(name -> ids.getOrDefault(name, unknown))
                .toArray();
    }

    private UsageRow row(JsonNode request) {
        List<AdapterUsage> adapters = new ArrayList<>();
        for (JsonNode adapter : request.required("adapters")) {
            List<LineageShare> lineage = new ArrayList<>();
            adapter.required("lineage")
                    .forEach(share -> lineage.add(new LineageShare(
                            word(share, "datanet"),
                            share.required("basisPoints").asInt())));
            AdapterUse use = new AdapterUse(
                    word(adapter, "digest"),
                    Bytes32.ZERO,
                    adapter.required("scalePpm").asInt(),
                    0);
            JsonNode owner = adapter.required("owner");
            adapters.add(new AdapterUsage(use, lineage, owner.isNull() ? null : Address.parse(owner.asText())));
        }
        List<Bytes32> searched = datanets.stream()
                .map(Datanet::digest)
                .filter(digest -> adapters.stream()
                        .flatMap(adapter -> adapter.lineage().stream())
                        .anyMatch(share -> share.datanet().equals(digest)))
                .toList();
        return new UsageRow(
                Sha256.hash(new byte[] {1}),
                "node",
                Bytes32.ZERO,
                Address.ZERO,
                1_790_000_000_000L,
                1_790_000_000_001L,
                word(request, "base"),
                word(vectors, "tokenizer"),
                Bytes32.ZERO,
                adapters,
                ids(request, "prompt"),
                ids(request, "output"),
                request.required("cachedTokens").asInt(),
                0,
                Bytes32.ZERO,
                new ScoringVersions(word(request, "scorer"), searched, Bytes32.ZERO, Bytes32.ZERO));
    }

    private static List<Payment> payments(JsonNode request) {
        List<Payment> payments = new ArrayList<>();
        for (JsonNode payment : request.required("payments")) {
            payments.add(new Payment(
                    Address.parse(payment.required("payee").asText()),
                    Role.ofCode(payment.required("role").asInt()),
                    word(payment, "source"),
                    payment.required("amount").asLong()));
        }
        return payments;
    }

    private static TokenIds ids(JsonNode node, String name) {
        return TokenIds.of(StreamSupport.stream(node.required(name).spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray());
    }

    private static List<Bytes32> words(JsonNode list) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(node -> Bytes32.parse(node.asText()))
                .toList();
    }

    private static Bytes32 word(JsonNode node, String name) {
        return Bytes32.parse(node.required(name).asText());
    }
}
