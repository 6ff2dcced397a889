package org.openlora.meter.receipt;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openlora.meter.evm.Hex;

/// Canonical JSON of receipts: the EIP-712 message with its members' own names, so that wallets and libraries
/// hash it as it stands. Reading accepts exactly what writing gives.
final class ReceiptJson {
    private static final Set<String> RECEIPT_NAMES = namesOf(ReceiptCodec.RECEIPT_TYPE);
    private static final Set<String> ADAPTER_NAMES = namesOf(ReceiptCodec.ADAPTER_USE_TYPE);
    private static final Set<String> PAYMENT_NAMES = namesOf(ReceiptCodec.PAYMENT_TYPE);
    private static final Set<String> ACKNOWLEDGEMENT_NAMES = namesOf(UsageAcknowledgement.TYPE);
    private static final Set<String> DOMAIN_NAMES = Set.of("name", "version", "chainId", "verifyingContract");

    private ReceiptJson() {}

    static byte[] write(Receipt receipt) {
        return JsonMembers.canonical(tree(receipt));
    }

    static Receipt read(byte[] json) {
        Receipt receipt = receipt(JsonMembers.parse("receipt", json, RECEIPT_NAMES));
        JsonMembers.requireCanonical("receipt", json, write(receipt));
        return receipt;
    }

    static byte[] write(SignedReceipt signed) {
        ObjectNode object = signed(signed.domain(), signed.signature());
        object.set("receipt", tree(signed.receipt()));
        return JsonMembers.canonical(object);
    }

    static SignedReceipt readSigned(byte[] json) {
        JsonMembers members = JsonMembers.parse("signed receipt", json, Set.of("domain", "receipt", "signature"));
        SignedReceipt signed = new SignedReceipt(
                receipt(members.object("receipt", RECEIPT_NAMES)), domain(members), signature(members));
        JsonMembers.requireCanonical("signed receipt", json, write(signed));
        return signed;
    }

    static byte[] write(SignedAcknowledgement signed) {
        UsageAcknowledgement acknowledgement = signed.acknowledgement();
        ObjectNode object = signed(signed.domain(), signed.signature());
        object.putObject("acknowledgement")
                .put("requestId", acknowledgement.requestId().toString())
                .put("account", acknowledgement.account().toString())
                .put("baseDigest", acknowledgement.baseDigest().toString())
                .put("adaptersHash", acknowledgement.adaptersHash().toString())
                .put("promptTokens", acknowledgement.promptTokens())
                .put("generatedTokens", acknowledgement.generatedTokens())
                .put("promptHash", acknowledgement.promptHash().toString())
                .put("outputHash", acknowledgement.outputHash().toString())
                .put("includeBy", Long.toString(acknowledgement.includeBy()));
        return JsonMembers.canonical(object);
    }

    static SignedAcknowledgement readSignedAcknowledgement(byte[] json) {
        String what = "signed acknowledgement";
        JsonMembers members = JsonMembers.parse(what, json, Set.of("domain", "acknowledgement", "signature"));
        JsonMembers fields = members.object("acknowledgement", ACKNOWLEDGEMENT_NAMES);
        UsageAcknowledgement acknowledgement = new UsageAcknowledgement(
                fields.bytes32("requestId"),
                fields.bytes32("account"),
                fields.bytes32("baseDigest"),
                fields.bytes32("adaptersHash"),
                fields.number("promptTokens"),
                fields.number("generatedTokens"),
                fields.bytes32("promptHash"),
                fields.bytes32("outputHash"),
                fields.decimal("includeBy"));
        SignedAcknowledgement signed = new SignedAcknowledgement(acknowledgement, domain(members), signature(members));
        JsonMembers.requireCanonical(what, json, write(signed));
        return signed;
    }

    private static ObjectNode tree(Receipt receipt) {
        ObjectNode object = JsonMembers.MAPPER.createObjectNode();
        object.put("stream", receipt.stream().toString())
                .put("seq", Long.toString(receipt.seq()))
                .put("prevReceipt", receipt.prevReceipt().toString())
                .put("kind", receipt.kind().code())
                .put("ref", receipt.ref().toString())
                .put("requestId", receipt.requestId().toString())
                .put("account", receipt.account().toString())
                .put("payer", receipt.payer().toString())
                .put("servedFrom", Long.toString(receipt.servedFrom()))
                .put("servedTo", Long.toString(receipt.servedTo()))
                .put("includeBy", Long.toString(receipt.includeBy()))
                .put("baseDigest", receipt.baseDigest().toString())
                .put("tokenizerDigest", receipt.tokenizerDigest().toString())
                .put("numericPath", receipt.numericPath().toString())
                .put("promptTokens", receipt.promptTokens())
                .put("cachedTokens", receipt.cachedTokens())
                .put("generatedTokens", receipt.generatedTokens())
                .put("discardedTokens", receipt.discardedTokens())
                .put("promptHash", receipt.promptHash().toString())
                .put("outputHash", receipt.outputHash().toString())
                .put("scorer", receipt.scorer().toString())
                .put("corpusRoots", receipt.corpusRoots().toString())
                .put("attribution", receipt.attribution().toString())
                .put("priceBook", receipt.priceBook().toString())
                .put("price", Long.toString(receipt.price()));
        putArrays(receipt, object);
        return object;
    }

    private static void putArrays(Receipt receipt, ObjectNode object) {
        ArrayNode adapters = object.putArray("adapters");
        for (AdapterUse use : receipt.adapters()) {
            adapters.addObject()
                    .put("digest", use.digest().toString())
                    .put("manifestDigest", use.manifestDigest().toString())
                    .put("scalePpm", use.scalePpm())
                    .put("tokens", use.tokens());
        }
        ArrayNode payments = object.putArray("payments");
        for (Payment payment : receipt.payments()) {
            payments.addObject()
                    .put("payee", payment.payee().toString())
                    .put("role", payment.role().code())
                    .put("source", payment.source().toString())
                    .put("amount", Long.toString(payment.amount()));
        }
    }

    private static Receipt receipt(JsonMembers members) {
        return new Receipt(
                members.bytes32("stream"),
                members.decimal("seq"),
                members.bytes32("prevReceipt"),
                ReceiptKind.ofCode(members.number("kind")),
                members.bytes32("ref"),
                members.bytes32("requestId"),
                members.bytes32("account"),
                members.address("payer"),
                members.decimal("servedFrom"),
                members.decimal("servedTo"),
                members.decimal("includeBy"),
                members.bytes32("baseDigest"),
                members.bytes32("tokenizerDigest"),
                members.bytes32("numericPath"),
                members.list("adapters", ADAPTER_NAMES, ReceiptJson::adapterUse),
                members.number("promptTokens"),
                members.number("cachedTokens"),
                members.number("generatedTokens"),
                members.number("discardedTokens"),
                members.bytes32("promptHash"),
                members.bytes32("outputHash"),
                members.bytes32("scorer"),
                members.bytes32("corpusRoots"),
                members.bytes32("attribution"),
                members.bytes32("priceBook"),
                members.decimal("price"),
                members.list("payments", PAYMENT_NAMES, ReceiptJson::payment));
    }

    private static AdapterUse adapterUse(JsonMembers members) {
        return new AdapterUse(
                members.bytes32("digest"),
                members.bytes32("manifestDigest"),
                members.number("scalePpm"),
                members.number("tokens"));
    }

    private static Payment payment(JsonMembers members) {
        return new Payment(
                members.address("payee"),
                Role.ofCode(members.number("role")),
                members.bytes32("source"),
                members.decimal("amount"));
    }

    private static ObjectNode signed(Eip712Domain domain, Signature signature) {
        ObjectNode object = JsonMembers.MAPPER.createObjectNode();
        object.put("signature", signature.toString());
        object.putObject("domain")
                .put("name", domain.name())
                .put("version", domain.version())
                .put("chainId", Long.toString(domain.chainId()))
                .put("verifyingContract", domain.verifyingContract().toString());
        return object;
    }

    private static Eip712Domain domain(JsonMembers signed) {
        JsonMembers members = signed.object("domain", DOMAIN_NAMES);
        return new Eip712Domain(
                members.text("name"),
                members.text("version"),
                members.decimal("chainId"),
                members.address("verifyingContract"));
    }

    private static Signature signature(JsonMembers signed) {
        return Signature.of(Hex.decode(signed.text("signature")));
    }

    /// The members' names of an EIP-712 type string.
    private static Set<String> namesOf(String type) {
        String members = type.substring(type.indexOf('(') + 1, type.indexOf(')'));
        return Stream.of(members.split(","))
                .map(member -> Arrays.asList(member.split(" ")).getLast())
                .collect(Collectors.toUnmodifiableSet());
    }
}
