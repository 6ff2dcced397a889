package org.openlora.engine.weights;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The tensor types of GGUF that can be read, each with its number in the file and its block: `blockValues`
/// consecutive values of a row stand in `blockBytes` bytes.
enum GgufType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    Q4_0(2, 32, 18),
    Q4_1(3, 32, 20),
    Q8_0(8, 32, 34),
    Q4_K(12, 256, 144),
    Q5_K(13, 256, 176),
    Q6_K(14, 256, 210),
    BF16(30, 1, 2);

    /// Types that exist and that are refused, so that the message can say which one it was.
    private static final Map<Integer, String> REFUSED = Map.ofEntries(
            Map.entry(6, "Q5_0"),
            Map.entry(7, "Q5_1"),
            Map.entry(9, "Q8_1"),
            Map.entry(10, "Q2_K"),
            Map.entry(11, "Q3_K"),
            Map.entry(15, "Q8_K"),
            Map.entry(16, "IQ2_XXS"),
            Map.entry(17, "IQ2_XS"),
            Map.entry(18, "IQ3_XXS"),
            Map.entry(19, "IQ1_S"),
            Map.entry(20, "IQ4_NL"),
            Map.entry(21, "IQ3_S"),
            Map.entry(22, "IQ2_S"),
            Map.entry(23, "IQ4_XS"),
            Map.entry(24, "I8"),
            Map.entry(25, "I16"),
            Map.entry(26, "I32"),
            Map.entry(27, "I64"),
            Map.entry(28, "F64"),
            Map.entry(29, "IQ1_M"),
            Map.entry(34, "TQ1_0"),
            Map.entry(35, "TQ2_0"),
            Map.entry(39, "MXFP4"));

    private final int number;
    final int blockValues;
    final int blockBytes;

    GgufType(int number, int blockValues, int blockBytes) {
        this.number = number;
        this.blockValues = blockValues;
        this.blockBytes = blockBytes;
    }

    static GgufType of(int number, String file, String tensor) {
        for (GgufType type : values()) {
            if (type.number == number) {
                return type;
            }
        }
        String allowed = Stream.of(values()).map(GgufType::name).collect(Collectors.joining(", "));
        throw new ModelLoadException("%s: tensor %s has type %s; supported are %s"
                .formatted(file, tensor, REFUSED.getOrDefault(number, "number " + number), allowed));
    }
}
