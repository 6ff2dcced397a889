package org.openlora.meter.payout;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.deser.std.FromStringDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.IOException;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.function.Function;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// The JSON of rounds, by the names of the records' components: sorted members, no spaces, amounts as decimal
/// text. Texts are plain ASCII and numbers whole, so the bytes are RFC 8785's.
final class PayoutJson {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .addModule(new SimpleModule("payout")
                    .addSerializer(Address.class, ToStringSerializer.instance)
                    .addSerializer(Bytes32.class, ToStringSerializer.instance)
                    .addSerializer(BigInteger.class, ToStringSerializer.instance)
                    .addDeserializer(Address.class, new Text<>(Address.class, Address::parse))
                    .addDeserializer(Bytes32.class, new Text<>(Bytes32.class, Bytes32::parse))
                    .addDeserializer(BigInteger.class, new Text<>(BigInteger.class, PayoutJson::integer)))
            .build();

    private PayoutJson() {}

    /// A value that is written as text.
    private static final class Text<T> extends FromStringDeserializer<T> {
        private static final long serialVersionUID = 1;
        private final transient Function<String, T> parse;

        Text(Class<T> type, Function<String, T> parse) {
            super(type);
            this.parse = parse;
        }

        @Override
        protected T _deserialize(String value, DeserializationContext context) {
            return parse.apply(value);
        }
    }

    private static BigInteger integer(String text) {
        if (!text.matches("0|-?[1-9][0-9]{0,76}")) {
            throw new IllegalArgumentException("not a decimal integer: " + text);
        }
        return new BigInteger(text);
    }

    static byte[] bytes(PayoutRound round) {
        try {
            return MAPPER.writeValueAsBytes(round);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a round in memory could not be written", e);
        }
    }

    static PayoutRound round(byte[] json) {
        PayoutRound round;
        try {
            round = MAPPER.readValue(json, PayoutRound.class);
        } catch (JacksonException e) {
            throw new IllegalArgumentException("not a payout round: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new IllegalArgumentException("not a payout round: " + e.getMessage(), e);
        }
        if (!Arrays.equals(bytes(round), json)) {
            throw new IllegalArgumentException("not a payout round in canonical form");
        }
        return round;
    }
}
