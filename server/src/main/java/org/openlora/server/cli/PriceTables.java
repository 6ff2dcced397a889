package org.openlora.server.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.exact.Pico;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceSchedule;
import org.openlora.meter.pricing.PricedUsage;
import org.openlora.meter.pricing.Rates;
import org.openlora.meter.pricing.Rerating;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;

/// Prices as tables and as JSON. JSON has amounts as strings of whole pico-units.
final class PriceTables {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int WHOLE_BPS = 10_000;

    private final PrintWriter out;

    PriceTables(PrintWriter out) {
        this.out = out;
    }

    static String role(Role role) {
        return role.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    void book(PriceBook book) {
        out.printf("%s  %s%n", book.name(), Sha256.text(book.digest()));
        out.printf("  in %s, effective from %s%n", book.currency(), book.effectiveFrom());
        out.printf("  %-28s %18s %18s %18s%n", "per 1000 tokens", "prompt", "cached", "generated");
        rates("default", book.defaultRates());
        book.baseRates().forEach((digest, rates) -> rates("base " + brief(digest.toString()), rates));
        book.adapterRates().forEach((digest, rates) -> rates("adapter " + brief(digest.toString()), rates));
        out.printf(
                "  per request %s; platform %s of the rest%n",
                Pico.text(book.fixedFeePico()), percent(book.platformBps()));
        out.printf(
                "  then base owner %s, adapter owner %s, operator %s, contributors %s%n",
                percent(book.split().baseOwnerBps()),
                percent(book.split().adapterOwnerBps()),
                percent(book.split().operatorBps()),
                percent(book.split().contributorsBps()));
    }

    static ObjectNode bookJson(PriceBook book) {
        ObjectNode node = JSON.createObjectNode().put("digest", Sha256.text(book.digest()));
        try {
            return node.set("book", JSON.readTree(book.json()));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a price book's canonical JSON does not parse", e);
        }
    }

    private void rates(String of, Rates rates) {
        out.printf(
                "  %-28s %18s %18s %18s%n",
                of, Pico.text(rates.promptPico()), Pico.text(rates.cachedPico()), Pico.text(rates.generatedPico()));
    }

    private static String brief(String word) {
        return word.substring(0, 14) + "…";
    }

    private static String percent(int bps) {
        return "%d.%02d %%".formatted(bps * 100 / WHOLE_BPS, bps % 100);
    }

    void quote(PriceBook book, BilledUsage usage, PricedUsage priced, long requests) {
        out.printf(
                "%d prompt (%d cached) and %d generated tokens by '%s'%n",
                usage.promptTokens(), usage.cachedTokens(), usage.generatedTokens(), book.name());
        out.printf("  %-16s %20s %8s %24s%n", "", "a request", "share", "%d requests".formatted(requests));
        for (Payment payment : priced.payments()) {
            line(role(payment.role()), payment.amount(), priced.pricePico(), requests);
        }
        line("price", priced.pricePico(), priced.pricePico(), requests);
    }

    private void line(String name, long amount, long price, long requests) {
        out.printf(
                Locale.ROOT,
                "  %-16s %20s %6.2f %% %24s%n",
                name,
                Pico.text(amount),
                100.0 * amount / Math.max(1, price),
                Pico.text(BigInteger.valueOf(amount).multiply(BigInteger.valueOf(requests))));
    }

    static ObjectNode quoteJson(PriceBook book, PricedUsage priced, long requests) {
        ObjectNode node = JSON.createObjectNode()
                .put("priceBook", Sha256.text(book.digest()))
                .put("currency", book.currency())
                .put("requests", requests)
                .put("pricePico", Long.toString(priced.pricePico()));
        ArrayNode payments = node.putArray("payments");
        for (Payment payment : priced.payments()) {
            payments.addObject()
                    .put("role", payment.role().name().toLowerCase(Locale.ROOT))
                    .put("payee", payment.payee().toString())
                    .put("amountPico", Long.toString(payment.amount()));
        }
        return node;
    }

    void rerating(PriceBook book, Rerating.Result result) {
        out.printf("%d receipts, billed and by '%s'%n", result.receipts(), book.name());
        out.printf("  %-14s %-42s %24s %24s %24s%n", "", "payee", "billed", "proposed", "difference");
        result.parties()
                .forEach((party, amounts) ->
                        amounts(role(party.role()), party.payee().toString(), amounts));
        amounts("all", "", result.whole());
        if (result.otherRules() > 0) {
            out.printf(
                    "  %d receipts were attributed by other rules than this book's; their shares stay as recorded%n",
                    result.otherRules());
        }
    }

    private void amounts(String role, String payee, Rerating.Amounts amounts) {
        out.printf(
                "  %-14s %-42s %24s %24s %24s%n",
                role,
                payee,
                Pico.text(amounts.billedPico()),
                Pico.text(amounts.proposedPico()),
                Pico.text(amounts.differencePico()));
    }

    static ObjectNode reratingJson(PriceBook book, Rerating.Result result) {
        ObjectNode node = JSON.createObjectNode()
                .put("priceBook", Sha256.text(book.digest()))
                .put("receipts", result.receipts())
                .put("otherRules", result.otherRules());
        put(node, result.whole());
        ArrayNode parties = node.putArray("parties");
        for (Map.Entry<Rerating.Party, Rerating.Amounts> entry :
                result.parties().entrySet()) {
            put(
                    parties.addObject()
                            .put("role", entry.getKey().role().name().toLowerCase(Locale.ROOT))
                            .put("payee", entry.getKey().payee().toString()),
                    entry.getValue());
        }
        return node;
    }

    private static void put(ObjectNode node, Rerating.Amounts amounts) {
        node.put("billedPico", amounts.billedPico().toString())
                .put("proposedPico", amounts.proposedPico().toString());
    }

    void schedule(PriceSchedule schedule, long nowMillis) {
        out.printf("%-20s %-24s %-24s %-20s %s%n", "STATE", "FROM", "REGISTERED", "NAME", "DIGEST");
        for (PriceSchedule.Entry entry : schedule.entries()) {
            out.printf(
                    "%-20s %-24s %-24s %-20s %s%n",
                    state(schedule, entry, nowMillis),
                    Instant.ofEpochMilli(entry.inForceFromMillis()),
                    Instant.ofEpochMilli(entry.registeredAtMillis()),
                    entry.book().name(),
                    Sha256.text(entry.book().digest()));
        }
    }

    private static String state(PriceSchedule schedule, PriceSchedule.Entry entry, long nowMillis) {
        if (entry.inForceFromMillis() > nowMillis) {
            return "to come";
        }
        return schedule.entryAt(nowMillis).filter(entry::equals).isPresent() ? "in force" : "past";
    }

    static ObjectNode scheduleJson(PriceSchedule schedule, PriceSchedule.Entry entry, long nowMillis) {
        return JSON.createObjectNode()
                .put("state", state(schedule, entry, nowMillis))
                .put(
                        "inForceFrom",
                        Instant.ofEpochMilli(entry.inForceFromMillis()).toString())
                .put(
                        "registeredAt",
                        Instant.ofEpochMilli(entry.registeredAtMillis()).toString())
                .put("actor", entry.actor())
                .put("name", entry.book().name())
                .put("priceBook", Sha256.text(entry.book().digest()));
    }
}
