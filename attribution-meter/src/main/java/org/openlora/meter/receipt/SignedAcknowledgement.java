package org.openlora.meter.receipt;

import java.util.Optional;
import org.openlora.meter.evm.Address;

/// A usage acknowledgement with the operator's signature and the domain it was signed for.
public record SignedAcknowledgement(UsageAcknowledgement acknowledgement, Eip712Domain domain, Signature signature) {
    public static SignedAcknowledgement sign(UsageAcknowledgement acknowledgement, Eip712Domain domain, Signer signer) {
        return new SignedAcknowledgement(
                acknowledgement, domain, signer.sign(domain.digest(acknowledgement.structHash())));
    }

    /// Reads what [#toJson] wrote.
    ///
    /// @throws IllegalArgumentException naming the member, for anything else
    public static SignedAcknowledgement fromJson(byte[] json) {
        return ReceiptJson.readSignedAcknowledgement(json);
    }

    /// Canonical JSON (RFC 8785): acknowledgement, domain, signature.
    public byte[] toJson() {
        return ReceiptJson.write(this);
    }

    /// The account that signed; empty where the signature fits no account.
    public Optional<Address> signer() {
        return Secp256k1.get().recover(domain.digest(acknowledgement.structHash()), signature);
    }
}
