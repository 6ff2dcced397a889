package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Function;
import com.esaulpaugh.headlong.abi.Tuple;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.receipt.AdapterUse;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;

/// The compiled contract of the resources, and the ABI forms of what goes into it.
final class LedgerAbi {
    static final String RESOURCE = "/contracts/AttributionLedger.json";
    private static final JsonNode ARTIFACT = read();
    private static final Map<String, Function> FUNCTIONS = functions();

    private LedgerAbi() {}

    /// Creation code without the constructor's argument.
    static byte[] creationCode() {
        return Hex.decode(ARTIFACT.get("bytecode").asText());
    }

    static Function function(String name) {
        return Objects.requireNonNull(FUNCTIONS.get(name), () -> "no function " + name + " in " + RESOURCE);
    }

    static byte[] call(String name, Object... arguments) {
        ByteBuffer encoded = function(name).encodeCall(Tuple.from(arguments));
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    /// A revert's data in words: the error's name and its arguments.
    static String describeRevert(String data) {
        for (JsonNode item : ARTIFACT.get("abi")) {
            if (item.get("type").asText().equals("error") && data.startsWith(selector(item))) {
                return item.get("name").asText() + arguments(item, data.substring(10));
            }
        }
        return data.equals("0x") ? "no reason given" : data;
    }

    private static String arguments(JsonNode error, String encoded) {
        Tuple values;
        try {
            values = Function.parse(signature(error)).getInputs().decode(Hex.decode(encoded));
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            return "(" + encoded + ")"; // a node that garbles the arguments has still named the error
        }
        StringBuilder text = new StringBuilder("(");
        for (int i = 0; i < values.size(); i++) {
            Object value = values.get(i);
            text.append(i == 0 ? "" : ", ").append(value instanceof byte[] b ? Hex.encode(b) : value);
        }
        return text.append(')').toString();
    }

    static boolean isError(String name, String data) {
        for (JsonNode item : ARTIFACT.get("abi")) {
            if (item.get("type").asText().equals("error")
                    && item.get("name").asText().equals(name)) {
                return data.startsWith(selector(item));
            }
        }
        throw new IllegalArgumentException("no error " + name + " in " + RESOURCE);
    }

    static Object address(Address address) {
        return com.esaulpaugh.headlong.abi.Address.wrap(address.toString());
    }

    static Tuple receipt(Receipt receipt) {
        return Tuple.from(
                receipt.stream().bytes(),
                BigInteger.valueOf(receipt.seq()),
                receipt.prevReceipt().bytes(),
                receipt.kind().code(),
                receipt.ref().bytes(),
                receipt.requestId().bytes(),
                receipt.account().bytes(),
                address(receipt.payer()),
                BigInteger.valueOf(receipt.servedFrom()),
                BigInteger.valueOf(receipt.servedTo()),
                BigInteger.valueOf(receipt.includeBy()),
                receipt.baseDigest().bytes(),
                receipt.tokenizerDigest().bytes(),
                receipt.numericPath().bytes(),
                receipt.adapters().stream().map(LedgerAbi::adapterUse).toArray(Tuple[]::new),
                (long) receipt.promptTokens(),
                (long) receipt.cachedTokens(),
                (long) receipt.generatedTokens(),
                (long) receipt.discardedTokens(),
                receipt.promptHash().bytes(),
                receipt.outputHash().bytes(),
                receipt.scorer().bytes(),
                receipt.corpusRoots().bytes(),
                receipt.attribution().bytes(),
                receipt.priceBook().bytes(),
                BigInteger.valueOf(receipt.price()),
                receipt.payments().stream().map(LedgerAbi::payment).toArray(Tuple[]::new));
    }

    private static Tuple adapterUse(AdapterUse use) {
        return Tuple.from(use.digest().bytes(), use.manifestDigest().bytes(), use.scalePpm(), (long) use.tokens());
    }

    private static Tuple payment(Payment payment) {
        return Tuple.from(
                address(payment.payee()),
                payment.role().code(),
                payment.source().bytes(),
                BigInteger.valueOf(payment.amount()));
    }

    private static String selector(JsonNode error) {
        byte[] hash = Keccak256.hash(signature(error)).bytes();
        return "0x" + HexFormat.of().formatHex(hash, 0, 4);
    }

    /// Name and argument types; the ledger's errors have no structs among them.
    private static String signature(JsonNode item) {
        StringBuilder signature = new StringBuilder(item.get("name").asText()).append('(');
        for (JsonNode input : item.get("inputs")) {
            signature.append(signature.charAt(signature.length() - 1) == '(' ? "" : ",");
            signature.append(input.get("type").asText());
        }
        return signature.append(')').toString();
    }

    private static Map<String, Function> functions() {
        Map<String, Function> functions = new TreeMap<>();
        for (JsonNode item : ARTIFACT.get("abi")) {
            if (item.get("type").asText().equals("function")) {
                functions.put(item.get("name").asText(), Function.fromJson(item.toString()));
            }
        }
        return functions;
    }

    private static JsonNode read() {
        try (InputStream resource = LedgerAbi.class.getResourceAsStream(RESOURCE)) {
            return new JsonMapper().readTree(Objects.requireNonNull(resource, RESOURCE + " is missing from the build"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + RESOURCE, e);
        }
    }
}
