package org.openlora.meter.payout;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.openlora.meter.database.Database;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The ledger's memory of its payouts: pools, and every round from its planning on. A round that may have reached the
/// chain is never changed.
public final class PayoutBook {
    private final Database database;

    /// A pool that this ledger pays through.
    public record Pool(Bytes32 id, long chainId, Address contract, Bytes32 operatorId, SettlementToken token) {}

    /// How far a round has come.
    public enum RoundState {
        /// Nobody outside has seen it; another plan may replace it.
        PLANNED(0),
        /// On its way to the contract, perhaps there.
        SENT(1),
        /// In the contract.
        POSTED(2),
        /// In the contract and stopped before it became claimable.
        DISABLED(3);

        private final int code;

        RoundState(int code) {
            this.code = code;
        }

        static RoundState ofCode(int code) {
            for (RoundState state : values()) {
                if (state.code == code) {
                    return state;
                }
            }
            throw new IllegalArgumentException("round state " + code + ": allowed are 0 to 3");
        }
    }

    /// A round and how far it has come.
    ///
    /// @param transaction that posted it; empty where an earlier run of ours sent it and did not live to tell
    public record Kept(PayoutRound round, RoundState state, long plannedAtMillis, Optional<Bytes32> transaction) {}

    public PayoutBook(Database database) {
        this.database = database;
    }

    /// Remembers a pool.
    ///
    /// @throws IllegalArgumentException where the token's decimals are not those remembered
    public void keep(Pool pool) {
        database.write(connection -> Database.update(
                connection,
                "INSERT INTO payout_pool (pool, chain_id, contract, operator_id, token, symbol, decimals)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pool) DO NOTHING",
                pool.id(),
                pool.chainId(),
                pool.contract(),
                pool.operatorId(),
                pool.token().address(),
                pool.token().symbol(),
                pool.token().decimals()));
        Pool kept = pools().stream()
                .filter(known -> known.id().equals(pool.id()))
                .findFirst()
                .orElseThrow();
        if (kept.token().decimals() != pool.token().decimals()) {
            throw new IllegalArgumentException("token " + pool.token().address() + " has "
                    + pool.token().decimals() + " decimals; rounds were planned with "
                    + kept.token().decimals());
        }
    }

    /// All pools, in no particular order.
    public List<Pool> pools() {
        return database.query(
                "SELECT * FROM payout_pool ORDER BY pool",
                row -> new Pool(
                        Database.word(row, "pool"),
                        row.getLong("chain_id"),
                        Address.of(row.getBytes("contract")),
                        Database.word(row, "operator_id"),
                        new SettlementToken(
                                Address.of(row.getBytes("token")), row.getString("symbol"), row.getInt("decimals"))));
    }

    /// The rounds of a pool, ascending.
    public List<Kept> rounds(Bytes32 pool) {
        return database.query("SELECT * FROM payout_round WHERE pool = ? ORDER BY number", PayoutBook::kept, pool);
    }

    public Optional<Kept> round(Bytes32 pool, long number) {
        return database.read(connection -> round(connection, pool, number));
    }

    private static Optional<Kept> round(Connection connection, Bytes32 pool, long number) throws SQLException {
        return Database.query(
                        connection,
                        "SELECT * FROM payout_round WHERE pool = ? AND number = ?",
                        PayoutBook::kept,
                        pool,
                        number)
                .stream()
                .findFirst();
    }

    private static Kept kept(ResultSet row) throws SQLException {
        byte[] transaction = row.getBytes("transaction_hash");
        return new Kept(
                PayoutRound.fromJson(row.getBytes("body")),
                RoundState.ofCode(row.getInt("state")),
                row.getLong("planned_at"),
                Optional.ofNullable(transaction).map(Bytes32::of));
    }

    /// Keeps a plan, in place of an earlier one that nobody has seen.
    ///
    /// @return what is kept now: this round, or the one of its number that is on its way already
    public Kept plan(PayoutRound round, long nowMillis) {
        return database.write(connection -> {
            Optional<Kept> present = round(connection, round.poolId(), round.number());
            if (present.isPresent() && present.get().state() != RoundState.PLANNED) {
                return present.get();
            }
            Database.update(
                    connection,
                    "DELETE FROM payout_round WHERE pool = ? AND number = ?",
                    round.poolId(),
                    round.number());
            Database.update(
                    connection,
                    "INSERT INTO payout_round (pool, number, state, root, data_hash, total_units, body, planned_at)"
                            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    round.poolId(),
                    round.number(),
                    RoundState.PLANNED.code,
                    round.tree().root(),
                    round.dataHash(),
                    round.totalUnits(),
                    round.toJson(),
                    nowMillis);
            return new Kept(round, RoundState.PLANNED, nowMillis, Optional.empty());
        });
    }

    /// Marks a round as on its way: from here on it is not planned again.
    void sent(PayoutRound round) {
        set(round, RoundState.SENT);
    }

    /// Marks a round as stopped.
    void disabled(PayoutRound round) {
        set(round, RoundState.DISABLED);
    }

    /// Marks a round as in the contract.
    void posted(PayoutRound round, Optional<Bytes32> transaction, long nowMillis) {
        database.write(connection -> {
            int changed = Database.update(
                    connection,
                    "UPDATE payout_round SET state = ?, posted_at = coalesce(posted_at, ?) WHERE pool = ? AND number = ?",
                    RoundState.POSTED.code,
                    nowMillis,
                    round.poolId(),
                    round.number());
            if (transaction.isPresent()) {
                Database.update(
                        connection,
                        "UPDATE payout_round SET transaction_hash = ? WHERE pool = ? AND number = ?",
                        transaction.get(),
                        round.poolId(),
                        round.number());
            }
            return changed;
        });
    }

    private void set(PayoutRound round, RoundState state) {
        database.write(connection -> Database.update(
                connection,
                "UPDATE payout_round SET state = ? WHERE pool = ? AND number = ?",
                state.code,
                round.poolId(),
                round.number()));
    }
}
