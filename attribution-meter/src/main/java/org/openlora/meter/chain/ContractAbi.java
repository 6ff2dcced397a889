package org.openlora.meter.chain;

import com.esaulpaugh.headlong.abi.Function;
import com.esaulpaugh.headlong.abi.Tuple;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Hex;
import org.openlora.meter.evm.Keccak256;

/// A compiled contract of the resources: its functions and errors by name, and its creation code.
public final class ContractAbi {
    private static final int SELECTOR_DIGITS = 8;

    private final String resource;
    private final byte[] creationCode;
    private final Map<String, Function> functions = new TreeMap<>();
    private final Map<String, Function> errorsBySelector = new TreeMap<>();

    private ContractAbi(String resource, JsonNode artifact) {
        this.resource = resource;
        this.creationCode = Hex.decode(artifact.get("bytecode").asText());
        addAll(artifact);
    }

    /// The contract of this name among the resources.
    ///
    /// @param called contracts that it calls, whose errors it therefore passes on
    public static ContractAbi of(String contract, String... called) {
        ContractAbi abi = read(contract);
        for (String other : called) {
            read(other).errorsBySelector.forEach(abi.errorsBySelector::putIfAbsent);
        }
        return abi;
    }

    private static ContractAbi read(String contract) {
        String resource = "/contracts/" + contract + ".json";
        try (InputStream stream = ContractAbi.class.getResourceAsStream(resource)) {
            return new ContractAbi(
                    resource,
                    new JsonMapper().readTree(Objects.requireNonNull(stream, resource + " is missing from the build")));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + resource, e);
        }
    }

    private void addAll(JsonNode artifact) {
        for (JsonNode item : artifact.get("abi")) {
            String name = item.path("name").asText();
            switch (item.get("type").asText()) {
                case "function" -> functions.put(name, Function.fromJson(item.toString()));
                case "error" -> {
                    String signature = signature(item);
                    errorsBySelector.put(selector(signature), Function.parse(signature));
                }
                default -> {} // events and constructors are not called
            }
        }
    }

    /// Creation code followed by the constructor's arguments, each one word.
    public byte[] creationCode(Address... arguments) {
        byte[] code = Arrays.copyOf(creationCode, creationCode.length + 32 * arguments.length);
        for (int i = 0; i < arguments.length; i++) {
            arguments[i].writeTo(code, creationCode.length + 32 * (i + 1) - Address.SIZE_BYTES);
        }
        return code;
    }

    /// Call data.
    ///
    /// @param arguments in headlong's types: `BigInteger` for integers beyond 32 bits, `byte[]`, [#address], tuples
    public byte[] call(String function, Object... arguments) {
        ByteBuffer encoded = function(function).encodeCall(Tuple.from(arguments));
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    /// What a call returned.
    ///
    /// @throws IllegalArgumentException where it is not of the function's types
    public Tuple result(String function, byte[] data) {
        try {
            return function(function).decodeReturn(data);
        } catch (BufferUnderflowException e) {
            throw new IllegalArgumentException(function + " of " + resource + " returned too few bytes", e);
        }
    }

    private Function function(String name) {
        return Objects.requireNonNull(functions.get(name), () -> "no function " + name + " in " + resource);
    }

    /// A revert's data in words: the error's name and its arguments.
    public String describeRevert(String data) {
        Function error = data.length() < 2 + SELECTOR_DIGITS
                ? null
                : errorsBySelector.get(data.substring(0, 2 + SELECTOR_DIGITS));
        if (error == null) {
            return data.equals("0x") ? "no reason given" : data;
        }
        String encoded = data.substring(2 + SELECTOR_DIGITS);
        try {
            Tuple values = error.getInputs().decode(Hex.decode(encoded));
            StringBuilder text = new StringBuilder(error.getName()).append('(');
            for (int i = 0; i < values.size(); i++) {
                Object value = values.get(i);
                text.append(i == 0 ? "" : ", ").append(value instanceof byte[] bytes ? Hex.encode(bytes) : value);
            }
            return text.append(')').toString();
        } catch (IllegalArgumentException | BufferUnderflowException e) {
            return error.getName() + "(" + encoded + ")"; // a node that garbles the arguments has still named the error
        }
    }

    /// An address in headlong's type.
    public static Object address(Address address) {
        return com.esaulpaugh.headlong.abi.Address.wrap(address.toString());
    }

    private static String selector(String signature) {
        return Hex.encode(Keccak256.hash(signature).bytes()).substring(0, 2 + SELECTOR_DIGITS);
    }

    /// Name and argument types; no error has structs among them.
    private static String signature(JsonNode item) {
        StringBuilder signature = new StringBuilder(item.get("name").asText()).append('(');
        for (JsonNode input : item.get("inputs")) {
            signature.append(signature.charAt(signature.length() - 1) == '(' ? "" : ",");
            signature.append(input.get("type").asText());
        }
        return signature.append(')').toString();
    }
}
