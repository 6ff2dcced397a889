package org.openlora.meter.accounting.statement;

import java.math.BigInteger;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// What a payee earned, or a tenant owes, in one period.
///
/// @param of whom it is for
/// @param provisional whether some of it can still change, because a period behind it is not closed
/// @param currency symbol of the settlement token
/// @param receipts how many receipts it rests on
/// @param payout where a payee stands in the payout rounds; empty for a tenant, and where there was no round
public record Statement(
        Party of,
        Period period,
        boolean provisional,
        String currency,
        long receipts,
        List<StatementLine> lines,
        Optional<PayoutPosition> payout) {
    /// Whom a statement is for.
    public sealed interface Party {
        /// Who is paid.
        record Payee(Address address) implements Party {}

        /// Who pays.
        ///
        /// @param name empty where the settings name no such tenant
        record Tenant(Bytes32 account, Optional<String> name) implements Party {}
    }

    public Statement {
        lines = List.copyOf(lines);
    }

    /// Sum of usage and debits of the month itself, pico-units.
    public BigInteger grossPico() {
        return sum(StatementLine::grossPico);
    }

    /// Sum of credits of the month itself, pico-units.
    public BigInteger creditPico() {
        return sum(StatementLine::creditPico);
    }

    /// What came for earlier months that were closed before, credits taken off, pico-units.
    public BigInteger adjustmentPico() {
        return sum(StatementLine::adjustmentPico);
    }

    /// What is earned, or owed: gross less credits, and the adjustments.
    public BigInteger netPico() {
        return sum(StatementLine::netPico);
    }

    private BigInteger sum(Function<StatementLine, BigInteger> amount) {
        return lines.stream().map(amount).reduce(BigInteger.ZERO, BigInteger::add);
    }

    /// SHA-256 of [StatementJson]'s bytes: names the statement.
    public Bytes32 hash() {
        return Sha256.hash(StatementJson.bytes(this));
    }

    /// RFC 8785 canonical JSON; amounts as decimal text.
    public byte[] toJson() {
        return StatementJson.bytes(this);
    }

    /// For a terminal.
    public String toText() {
        return StatementText.of(StatementPage.of(this));
    }

    /// A page of HTML that needs nothing else, made to be printed.
    public String toHtml() {
        return StatementHtml.of(StatementPage.of(this));
    }
}
