package org.openlora.meter.accounting.period;

import java.util.Comparator;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.evm.Bytes32;

/// A month of a tenant: what is closed.
public record AccountPeriod(Bytes32 account, Period period) implements Comparable<AccountPeriod> {
    private static final Comparator<AccountPeriod> ORDER =
            Comparator.comparing(AccountPeriod::period).thenComparing(AccountPeriod::account);

    @Override
    public int compareTo(AccountPeriod other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return period + " of account " + account;
    }
}
