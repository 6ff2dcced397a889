package org.openlora.server.cli;

import java.util.function.Function;
import org.openlora.meter.accounting.entries.Period;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.problem.Problem;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/// Values of options, refused with what was wrong about them.
final class Converters {
    private Converters() {}

    /// `2026-11`.
    static final class Months implements ITypeConverter<Period> {
        @Override
        public Period convert(String text) {
            return convert(text, Period::parse);
        }

        static <T> T convert(String text, Function<String, T> parser) {
            try {
                return parser.apply(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(Problem.describe(e));
            }
        }
    }

    /// `0x` and 40 hexadecimal digits.
    static final class Addresses implements ITypeConverter<Address> {
        @Override
        public Address convert(String text) {
            return Months.convert(text, Address::parse);
        }
    }

    /// `sha256:` or `0x`, and 64 hexadecimal digits.
    static final class Digests implements ITypeConverter<Bytes32> {
        @Override
        public Bytes32 convert(String text) {
            return Months.convert(text, text.startsWith("0x") ? Bytes32::parse : Sha256::parse);
        }
    }
}
