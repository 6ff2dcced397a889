package org.openlora.server.payouts;

import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.openlora.adapters.files.DurableFiles;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.database.Database;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.payout.DatanetMembers;
import org.openlora.meter.payout.Earnings;
import org.openlora.meter.payout.Erc20;
import org.openlora.meter.payout.LedgerEarnings;
import org.openlora.meter.payout.PayoutBook;
import org.openlora.meter.payout.PayoutBook.Kept;
import org.openlora.meter.payout.PayoutEntry;
import org.openlora.meter.payout.PayoutException;
import org.openlora.meter.payout.PayoutPlanner;
import org.openlora.meter.payout.PayoutPool;
import org.openlora.meter.payout.PayoutPoster;
import org.openlora.meter.payout.PayoutRound;
import org.openlora.meter.payout.SettlementToken;
import org.openlora.meter.receipt.Signer;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ChainLink;

/// One operator's payouts in one token: between a ledger's database and the contracts of a chain. Every step may be
/// repeated.
public final class PayoutDesk {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /// Claims in one transaction: about 50,000 gas each, far below a block's limit.
    private static final int CLAIMS_AT_ONCE = 100;

    private final Path folder;
    private final Database database;
    private final TransactionSender sender;
    private final PayoutPool pool;
    private final SettlementToken token;
    private final PayoutBook book;
    private final PayoutPoster poster;
    private final InstantSource clock;

    /// What planning came to.
    ///
    /// @param kept the plan; empty where nobody would get more than before
    /// @param missingUnits what the pool lacks for it
    public record Planned(Optional<Kept> kept, BigInteger missingUnits) {}

    /// What a payee was paid.
    public record Paid(PayoutEntry entry, BigInteger units) {}

    private PayoutDesk(
            Path folder,
            Database database,
            TransactionSender sender,
            PayoutPool pool,
            PayoutBook book,
            PayoutPoster poster,
            SettlementToken token,
            InstantSource clock) {
        this.folder = folder;
        this.database = database;
        this.sender = sender;
        this.pool = pool;
        this.book = book;
        this.poster = poster;
        this.token = token;
        this.clock = clock;
    }

    /// Deploys what is not there yet, reads the token's decimals and holds them against those that rounds were planned
    /// with.
    ///
    /// @param folder where published rounds are kept
    /// @param named the token; empty for the ledger's only one, and on a local chain for the development token
    /// @param local whether the chain is our own
    /// @throws Problem where it is not clear which token is meant
    public static PayoutDesk open(
            Path folder,
            Database database,
            ChainLink link,
            Bytes32 operatorId,
            Signer signer,
            Optional<Address> named,
            boolean local,
            InstantSource clock) {
        TransactionSender sender = new TransactionSender(link.contract().rpc(), signer, PATIENCE);
        Address contract =
                PayoutPool.deploy(link.contract().rpc(), sender, link.contract().address());
        PayoutBook book = new PayoutBook(database);
        Address address = named.orElseGet(() -> onlyToken(book, contract, local));
        if (address.equals(Erc20.developmentAddress())) {
            Erc20.development(link.contract().rpc(), sender);
        }
        PayoutPool pool = new PayoutPool(link.contract().rpc(), contract, operatorId, address);
        SettlementToken token = pool.token().describe();
        try {
            book.keep(new PayoutBook.Pool(pool.id(), link.contract().chainId(), contract, operatorId, token));
        } catch (IllegalArgumentException e) {
            throw new Problem(Problem.describe(e), "a token that changes its decimals cannot be paid in", e);
        }
        PayoutPoster poster = new PayoutPoster(book, pool, link.contract());
        return new PayoutDesk(folder, database, sender, pool, book, poster, token, clock);
    }

    private static Address onlyToken(PayoutBook book, Address contract, boolean local) {
        List<Address> known = book.pools().stream()
                .filter(pool -> pool.contract().equals(contract))
                .map(pool -> pool.token().address())
                .toList();
        if (known.size() == 1) {
            return known.getFirst();
        }
        if (known.isEmpty() && local) {
            return Erc20.developmentAddress();
        }
        throw new Problem(
                known.isEmpty() ? "no pool is open yet" : "there are pools of " + known.size() + " tokens",
                "name the token with --token 0x...");
    }

    public PayoutPool pool() {
        return pool;
    }

    public SettlementToken token() {
        return token;
    }

    /// Opens the pool unless it is open.
    ///
    /// @return the transaction; empty where it was open
    public Optional<Bytes32> openPool(Address guardian, int activationDelaySeconds) {
        return pool.state().isOpen()
                ? Optional.empty()
                : Optional.of(
                        pool.open(sender, guardian, activationDelaySeconds).transactionHash());
    }

    /// Who stands behind the datanets of the ledger's registry, by its last word on payees.
    ///
    /// @param rows folder of the registered datanets' rows
    public DatanetMembers members(Path rows) {
        return DatanetMembers.registered(DatanetRegistry.open(database, rows, clock)::find);
    }

    /// Makes a round of what has landed on the chain.
    ///
    /// @throws Problem where an earlier round is still to be posted
    public Planned plan(DatanetMembers members) {
        poster.reconcile(clock.millis());
        Earnings earnings = new LedgerEarnings(database).read();
        if (earnings.streams().isEmpty()) {
            throw new Problem("no batch is on the chain yet", "run openlora receipts anchor first");
        }
        Optional<PayoutRound> base = base();
        PayoutRound round;
        try {
            round = new PayoutPlanner(pool.id(), token, members).plan(poster.nextNumber(), base, earnings);
        } catch (IllegalArgumentException e) {
            throw new Problem(Problem.describe(e), "use the ledger that the round before was made from", e);
        }
        BigInteger before = base.map(PayoutRound::totalUnits).orElse(BigInteger.ZERO);
        if (round.totalUnits().equals(before)) {
            return new Planned(Optional.empty(), BigInteger.ZERO);
        }
        return new Planned(Optional.of(book.plan(round, clock.millis())), missing(round));
    }

    private Optional<PayoutRound> base() {
        try {
            return poster.base();
        } catch (PayoutException e) {
            throw new Problem(Problem.describe(e), "run openlora payouts post", e);
        }
    }

    private BigInteger missing(PayoutRound round) {
        return round.totalUnits().subtract(pool.state().deposited()).max(BigInteger.ZERO);
    }

    /// The round that waits to be posted.
    public Optional<PayoutRound> waiting() {
        return poster.waiting().stream()
                .mapToObj(number -> book.round(pool.id(), number))
                .flatMap(Optional::stream)
                .map(Kept::round)
                .findFirst();
    }

    /// Puts tokens of the operator's account into the pool.
    ///
    /// @param amount in whole tokens; empty for what the waiting round lacks
    /// @return the units that were put in; zero where nothing lacks
    public BigInteger fund(Optional<BigDecimal> amount) {
        BigInteger units = amount.map(this::units)
                .orElseGet(() -> waiting().map(this::missing).orElse(BigInteger.ZERO));
        if (units.signum() == 0) {
            return units;
        }
        BigInteger held = pool.token().balanceOf(sender.sender());
        if (held.compareTo(units) < 0) {
            if (!pool.token().address().equals(Erc20.developmentAddress())) {
                throw new Problem(
                        "the operator's account %s holds %s, not %s"
                                .formatted(sender.sender(), token.text(held), token.text(units)),
                        "send it the rest first");
            }
            pool.token().mint(sender, sender.sender(), units.subtract(held));
        }
        pool.fund(sender, units);
        return units;
    }

    private BigInteger units(BigDecimal amount) {
        try {
            BigInteger units = amount.movePointRight(token.decimals()).toBigIntegerExact();
            if (units.signum() <= 0) {
                throw new Problem("the amount is " + amount.toPlainString(), "give one above zero");
            }
            return units;
        } catch (ArithmeticException e) {
            throw new Problem(
                    "%s %s is no whole number of units".formatted(amount.toPlainString(), token.symbol()),
                    "give at most %d decimals".formatted(token.decimals()),
                    e);
        }
    }

    /// Publishes the waiting round's file and posts the round.
    ///
    /// @return the round with its transaction; empty where none waits
    public Optional<Kept> post() {
        poster.reconcile(clock.millis());
        Optional<PayoutRound> waiting = waiting();
        if (waiting.isEmpty()) {
            return Optional.empty();
        }
        PayoutRound round = waiting.get();
        BigInteger missing = missing(round);
        if (missing.signum() > 0) {
            throw new Problem(
                    "the pool lacks %s for round %d".formatted(token.text(missing), round.number()),
                    "run openlora payouts fund");
        }
        publish(round);
        poster.post(round.number(), sender, clock.millis());
        return book.round(pool.id(), round.number());
    }

    /// Where a round's file is.
    public Path file(PayoutRound round) {
        return folder.resolve(round.dataHash().toString().substring(2) + ".json");
    }

    private void publish(PayoutRound round) {
        try {
            Files.createDirectories(folder);
            DurableFiles.write(file(round), round.toJson());
        } catch (IOException e) {
            throw new Problem(
                    "the round cannot be written to %s: %s".formatted(file(round), Problem.describe(e)),
                    "make room or mend the permissions",
                    e);
        }
    }

    /// All rounds, brought up to what the contract says.
    public List<Kept> rounds() {
        poster.reconcile(clock.millis());
        return book.rounds(pool.id());
    }

    /// The round that is claimed from now.
    public Optional<PayoutRound> claimable() {
        long number = pool.state().claimable();
        return number == 0 ? Optional.empty() : book.round(pool.id(), number).map(Kept::round);
    }

    /// Pays payees what the claimable round gives them beyond what they have had; the operator's account pays the gas.
    ///
    /// @param payees nobody for everybody
    /// @return those that were paid
    public List<Paid> claim(List<Address> payees) {
        PayoutRound round = claimable()
                .orElseThrow(() -> new Problem(
                        "no round is claimable yet", "see openlora payouts status for when one becomes so"));
        for (Address payee : payees) {
            if (round.leaves().stream().noneMatch(entry -> entry.payee().equals(payee))) {
                throw new Problem(
                        "%s has nothing in round %d".formatted(payee, round.number()),
                        "see openlora payouts status for who has");
            }
        }
        List<Paid> due = new ArrayList<>();
        for (PayoutEntry entry : round.leaves()) {
            if (payees.isEmpty() || payees.contains(entry.payee())) {
                BigInteger units = entry.cumulativeUnits().subtract(pool.claimed(entry.payee()));
                if (units.signum() > 0) {
                    due.add(new Paid(entry, units));
                }
            }
        }
        for (int from = 0; from < due.size(); from += CLAIMS_AT_ONCE) {
            pool.claimMany(
                    sender,
                    round,
                    due.subList(from, Math.min(due.size(), from + CLAIMS_AT_ONCE)).stream()
                            .map(Paid::entry)
                            .toList());
        }
        return due;
    }
}
