package org.openlora.meter.accounting.reconciliation;

import java.util.Set;
import org.openlora.meter.evm.Address;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.SignedReceipt;

/// Whose signatures count.
///
/// @param domain that receipts are signed in
/// @param signers the operator's accounts, those it no longer uses too
public record Operators(Eip712Domain domain, Set<Address> signers) {
    public Operators {
        signers = Set.copyOf(signers);
        if (signers.isEmpty()) {
            throw new IllegalArgumentException("an operator has at least one receipt signer");
        }
    }

    boolean signed(SignedReceipt receipt) {
        return receipt.domain().equals(domain)
                && receipt.signer().filter(signers::contains).isPresent();
    }

    @Override
    public String toString() {
        return String.join(
                        " or ", signers.stream().map(Address::toString).sorted().toList()) + " for chain "
                + domain.chainId() + ", contract " + domain.verifyingContract();
    }
}
