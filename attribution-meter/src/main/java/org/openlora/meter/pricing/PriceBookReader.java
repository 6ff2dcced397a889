package org.openlora.meter.pricing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.document.YamlNode;
import org.openlora.meter.evidence.AttributionRules;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Reads price books, strictly.
final class PriceBookReader {
    private static final String DOMAIN = "openlora/price-book/v1";
    private static final int FORMAT_VERSION = 1;
    private static final int WHOLE_BPS = 10_000;

    private PriceBookReader() {}

    static PriceBook read(Path file) throws IOException {
        return parse(file.toString(), Files.readString(file));
    }

    static PriceBook parse(String file, String text) {
        YamlNode book = YamlNode.parse(file, text)
                .requireFields(
                        "version",
                        "name",
                        "effectiveFrom",
                        "currency",
                        "rates",
                        "fees",
                        "split",
                        "payees",
                        "attribution");
        book.get("version").integer(FORMAT_VERSION, FORMAT_VERSION);
        byte[] json = CanonicalJson.bytes(book.toJson());
        YamlNode rates = book.get("rates").requireFields("default", "bases", "adapters");
        YamlNode fees = book.get("fees").requireFields("fixedPico", "platformBps");
        YamlNode payees =
                book.get("payees").requireFields("baseOwners", "operator", "platform", "treasury", "datanetPool");
        return new PriceBook(
                Sha256.domain(DOMAIN).prefixed(json).digest(),
                new String(json, StandardCharsets.UTF_8),
                book.get("name").text(),
                book.get("effectiveFrom").parsed(PriceBookReader::instant),
                book.get("currency").text(),
                rates(rates.get("default"), "promptPico", "cachedPico", "generatedPico"),
                byDigest(
                        rates.find("bases").map(YamlNode::items).orElse(List.of()),
                        "base",
                        node -> rates(node, "base", "promptPico", "cachedPico", "generatedPico")),
                byDigest(
                        rates.find("adapters").map(YamlNode::items).orElse(List.of()),
                        "adapter",
                        node -> rates(node, "adapter", "promptPico", "cachedPico", "generatedPico")),
                amount(fees, "fixedPico"),
                bps(fees, "platformBps"),
                split(book.get("split")),
                byDigest(
                        payees.find("baseOwners").map(YamlNode::items).orElse(List.of()),
                        "base",
                        node -> payee(node.requireFields("base", "payee"), "payee")),
                payee(payees, "operator"),
                payee(payees, "platform"),
                payee(payees, "treasury"),
                payee(payees, "datanetPool"),
                rules(book.get("attribution")));
    }

    private static <T> Map<Bytes32, T> byDigest(List<YamlNode> items, String key, Function<YamlNode, T> value) {
        Map<Bytes32, T> map = new HashMap<>();
        for (YamlNode item : items) {
            T read = value.apply(item);
            if (map.put(item.get(key).parsed(Sha256::parse), read) != null) {
                throw item.get(key).error("stands twice in this list");
            }
        }
        return map;
    }

    private static Rates rates(YamlNode node, String... fields) {
        node.requireFields(fields);
        return new Rates(amount(node, "promptPico"), amount(node, "cachedPico"), amount(node, "generatedPico"));
    }

    private static Split split(YamlNode node) {
        node.requireFields("baseOwnerBps", "adapterOwnerBps", "operatorBps", "contributorsBps");
        int baseOwner = bps(node, "baseOwnerBps");
        int adapterOwner = bps(node, "adapterOwnerBps");
        int operator = bps(node, "operatorBps");
        int contributors = bps(node, "contributorsBps");
        if (baseOwner + adapterOwner + operator + contributors != WHOLE_BPS) {
            throw node.error(
                    "must sum to 10000 basis points, not " + (baseOwner + adapterOwner + operator + contributors));
        }
        return new Split(baseOwner, adapterOwner, operator, contributors);
    }

    private static AttributionRules rules(YamlNode node) {
        node.requireFields("lambdaPpm", "rarityThresholdBits", "occurrenceCap", "contributorCapPpm");
        return new AttributionRules(
                (int) node.get("lambdaPpm").integer(0, AttributionRules.WHOLE_PPM),
                (int) node.get("rarityThresholdBits").integer(1, AttributionRules.MOST_BITS),
                (int) node.get("occurrenceCap").integer(1, AttributionRules.MOST_OCCURRENCES),
                (int) node.get("contributorCapPpm").integer(0, AttributionRules.WHOLE_PPM));
    }

    private static long amount(YamlNode node, String field) {
        return node.get(field).integer(0, CanonicalJson.MAX_EXACT_INTEGER);
    }

    private static int bps(YamlNode node, String field) {
        return (int) node.get(field).integer(0, WHOLE_BPS);
    }

    private static Address payee(YamlNode node, String field) {
        Address payee = node.get(field).parsed(Address::parse);
        if (payee.isZero()) {
            throw node.get(field).error("must not be the zero address");
        }
        return payee;
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            throw new DocumentException("must be a time such as 2026-01-01T00:00:00Z", e);
        }
    }
}
