package org.openlora.meter.receipt;

import java.util.Optional;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// A receipt with the operator's signature and the domain it was signed for: the payer's evidence before any
/// batch.
public record SignedReceipt(Receipt receipt, Eip712Domain domain, Signature signature) {
    public static SignedReceipt sign(Receipt receipt, Eip712Domain domain, Signer signer) {
        return sign(receipt, ReceiptCodec.structHash(receipt), domain, signer);
    }

    /// Signs a receipt whose struct hash is known.
    public static SignedReceipt sign(Receipt receipt, Bytes32 structHash, Eip712Domain domain, Signer signer) {
        return new SignedReceipt(receipt, domain, signer.sign(domain.digest(structHash)));
    }

    /// Reads what [#toJson] wrote.
    ///
    /// @throws IllegalArgumentException naming the member, for anything else
    public static SignedReceipt fromJson(byte[] json) {
        return ReceiptJson.readSigned(json);
    }

    /// Canonical JSON (RFC 8785): domain, receipt, signature.
    public byte[] toJson() {
        return ReceiptJson.write(this);
    }

    /// The account that signed; empty where the signature fits no account.
    public Optional<Address> signer() {
        return Secp256k1.get().recover(ReceiptCodec.digest(domain, receipt), signature);
    }

    /// Whether this account signed exactly this receipt for this domain.
    public boolean isSignedBy(Address operator) {
        return signer().filter(operator::equals).isPresent();
    }
}
