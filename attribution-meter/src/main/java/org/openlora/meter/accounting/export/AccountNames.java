package org.openlora.meter.accounting.export;

import java.util.Optional;
import org.openlora.meter.evm.Bytes32;

/// Names of tenants by the salted hashes that stand for them in receipts.
@FunctionalInterface
public interface AccountNames {
    AccountNames NONE = account -> Optional.empty();

    Optional<String> find(Bytes32 account);
}
