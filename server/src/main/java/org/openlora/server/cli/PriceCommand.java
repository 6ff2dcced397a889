package org.openlora.server.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.LedgerRerating;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.pricing.BilledUsage;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.meter.pricing.PriceBooks;
import org.openlora.meter.pricing.PriceSchedule;
import org.openlora.meter.pricing.Quote;
import org.openlora.meter.pricing.Rerating;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.usage.AdapterUsage;
import org.openlora.server.config.Installation;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.PriceBookFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora price …`: price books, their schedule, and what things would cost.
@Command(
        name = "price",
        description = "Shows, schedules and tries price books.",
        subcommands = {
            PriceCommand.Show.class,
            PriceCommand.ListBooks.class,
            PriceCommand.Register.class,
            PriceCommand.Simulate.class,
        })
final class PriceCommand implements Callable<Integer> {
    private static final int SCALE_PPM = 1_000_000;
    /// Stands for whoever owns the adapter of a request that nobody made.
    private static final Address OWNER = Address.parse("0x0000000000000000000000000000000000000001");

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "say what to do: show, list, register or simulate");
    }

    /// What all of them share.
    abstract static class Pricing implements Callable<Integer> {
        @Spec
        CommandSpec spec = CommandSpec.create();

        @Mixin
        LedgerOptions ledgerOptions = new LedgerOptions();

        @Option(names = "--json", description = "Prints JSON, one object a line.")
        boolean json;

        final PrintWriter out() {
            return spec.commandLine().getOut();
        }

        final PriceTables tables() {
            return new PriceTables(out());
        }

        final void print(JsonNode node) {
            out().println(node);
        }

        /// A file's book, or that of the settings.
        final PriceBook book(@Nullable Path file) {
            try {
                if (file != null) {
                    return PriceBook.read(file);
                }
                Installation installation = Environment.installation();
                return PriceBookFile.read(ledgerOptions.config(installation), installation);
            } catch (IOException | DocumentException e) {
                throw new Problem(Problem.describe(e), "correct the price book", e);
            }
        }
    }

    @Command(name = "show", description = "Shows a price book, and its digest; checks it on the way.")
    static final class Show extends Pricing {
        @Parameters(
                arity = "0..1",
                paramLabel = "FILE",
                description = "A price book; without it, that of the settings.")
        private @Nullable Path file;

        @Override
        public Integer call() {
            PriceBook book = book(file);
            if (json) {
                print(PriceTables.bookJson(book));
            } else {
                tables().book(book);
            }
            return ExitStatus.OK;
        }
    }

    @Command(name = "list", description = "Lists the ledger's price books and from when each is in force.")
    static final class ListBooks extends Pricing {
        @Override
        public Integer call() {
            long now = System.currentTimeMillis();
            try (AttachedLedger ledger = ledgerOptions.attach()) {
                PriceSchedule schedule = PriceBooks.of(ledger.database()).schedule();
                if (json) {
                    schedule.entries().forEach(entry -> print(PriceTables.scheduleJson(schedule, entry, now)));
                } else {
                    tables().schedule(schedule, now);
                }
            }
            return ExitStatus.OK;
        }
    }

    @Command(
            name = "register",
            description = "Puts a price book in force, from its effective date on or 60 seconds from now.")
    static final class Register extends Pricing {
        @Parameters(paramLabel = "FILE", description = "The price book.")
        private Path file = Path.of("");

        @Option(names = "--actor", paramLabel = "NAME", description = "Who registers it; without it, the user's name.")
        private String actor = System.getProperty("user.name", "unknown");

        @Override
        public Integer call() {
            PriceBook book = book(file);
            long now = System.currentTimeMillis();
            try (AttachedLedger ledger = ledgerOptions.attach()) {
                PriceBooks books = PriceBooks.of(ledger.database());
                PriceSchedule.Entry entry = books.register(book, now, actor);
                if (json) {
                    print(PriceTables.scheduleJson(books.schedule(), entry, now));
                } else {
                    out().printf(
                                    "'%s' is in force from %s  %s%n",
                                    book.name(),
                                    Instant.ofEpochMilli(entry.inForceFromMillis()),
                                    Sha256.text(book.digest()));
                }
            }
            return ExitStatus.OK;
        }
    }

    @Command(
            name = "simulate",
            description = "Prices a request that nobody made, or with --receipts the ledger's receipts again.")
    static final class Simulate extends Pricing {
        @Option(names = "--book", paramLabel = "FILE", description = "A price book; without it, that of the settings.")
        private @Nullable Path file;

        @Option(names = "--prompt", paramLabel = "N", description = "Prompt tokens, cached ones included.")
        private int promptTokens;

        @Option(names = "--cached", paramLabel = "N", description = "Those of them that come from the prefix cache.")
        private int cachedTokens;

        @Option(names = "--generated", paramLabel = "N", description = "Generated tokens.")
        private int generatedTokens;

        @Option(names = "--requests", paramLabel = "N", description = "How many such requests; 1 without it.")
        private long requests = 1;

        @Option(names = "--base", paramLabel = "DIGEST", description = "The base, for rates and an owner of its own.")
        private @Nullable String base;

        @Option(names = "--adapter", paramLabel = "DIGEST", description = "The adapter, for rates of its own.")
        private @Nullable String adapter;

        @Option(names = "--bare", description = "The base without an adapter.")
        private boolean bare;

        @Option(names = "--receipts", description = "Prices the ledger's usage receipts by the book; changes nothing.")
        private boolean receipts;

        @Option(
                names = "--from",
                paramLabel = "TIME",
                description = "Receipts served from then on, as 2026-01-01T00:00:00Z.")
        private String from = Instant.EPOCH.toString();

        @Option(names = "--to", paramLabel = "TIME", description = "Receipts served before then.")
        private String to = "9999-12-31T00:00:00Z";

        @Override
        public Integer call() {
            PriceBook book = book(file);
            if (receipts) {
                rerate(book);
            } else {
                quote(book);
            }
            return ExitStatus.OK;
        }

        private void rerate(PriceBook book) {
            try (AttachedLedger ledger = ledgerOptions.attach()) {
                Rerating.Result result =
                        new LedgerRerating(ledger).run(book, millis("--from", from), millis("--to", to));
                if (json) {
                    print(PriceTables.reratingJson(book, result));
                } else {
                    tables().rerating(book, result);
                }
            }
        }

        private void quote(PriceBook book) {
            if (promptTokens + generatedTokens == 0) {
                throw new ParameterException(
                        spec.commandLine(), "say how many tokens with --prompt and --generated, or ask for --receipts");
            }
            if (requests < 1) {
                throw new ParameterException(
                        spec.commandLine(), "--requests is %d: allowed is 1 and more".formatted(requests));
            }
            BilledUsage usage = new BilledUsage(
                    System.currentTimeMillis(),
                    digest("--base", base),
                    bare ? List.of() : List.of(adapter()),
                    promptTokens,
                    cachedTokens,
                    generatedTokens);
            if (json) {
                print(PriceTables.quoteJson(book, Quote.of(book, usage), requests));
            } else {
                tables().quote(book, usage, Quote.of(book, usage), requests);
            }
        }

        /// Its owner is nobody: what counts is how much.
        private AdapterUsage adapter() {
            AdapterUse use = new AdapterUse(digest("--adapter", adapter), Bytes32.ZERO, SCALE_PPM, generatedTokens);
            return new AdapterUsage(use, List.of(), OWNER);
        }

        private Bytes32 digest(String option, @Nullable String text) {
            try {
                // Not zero, which would say that there is none.
                return text == null ? Sha256.domain("openlora/price/simulated").digest() : Sha256.parse(text);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), option + ": " + e.getMessage(), e);
            }
        }

        private long millis(String option, String time) {
            try {
                return Instant.parse(time).toEpochMilli();
            } catch (DateTimeException e) {
                throw new ParameterException(
                        spec.commandLine(), "%s is %s: write it as 2026-01-01T00:00:00Z".formatted(option, time), e);
            }
        }
    }
}
