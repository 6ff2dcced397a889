package org.openlora.engine.weights;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A cursor over the header of a GGUF file. Every length is checked against the bytes that remain before anything
/// is allocated or read, so a header that lies about itself costs nothing.
final class GgufReader {
    static final int MAX_ARRAY_LENGTH = 10_000_000;
    private static final int MAX_STRING_BYTES = 16 << 20;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemorySegment bytes;
    private final String file;
    private long position;

    GgufReader(MemorySegment bytes, String file) {
        this.bytes = bytes;
        this.file = file;
    }

    String file() {
        return file;
    }

    long position() {
        return position;
    }

    long remaining() {
        return bytes.byteSize() - position;
    }

    ModelLoadException failure(String message) {
        return new ModelLoadException(file + ": " + message);
    }

    private long take(long count, String what) {
        if (count > remaining()) {
            throw failure("truncated: %s needs %s bytes, %d remain"
                    .formatted(what, Long.toUnsignedString(count), remaining()));
        }
        long start = position;
        position += count;
        return start;
    }

    int readInt(String what) {
        return bytes.get(INT, take(4, what));
    }

    long readLong(String what) {
        return bytes.get(LONG, take(8, what));
    }

    /// An unsigned 64-bit count of things that take at least `minBytes` each in the rest of the header.
    int readCount(String what, int limit, int minBytes) {
        long count = readLong(what);
        if (count < 0 || count > limit) {
            throw failure("%s is %s; at most %d are read".formatted(what, Long.toUnsignedString(count), limit));
        }
        if (count * minBytes > remaining()) {
            throw failure(
                    "%s is %d, which does not fit into the %d bytes that remain".formatted(what, count, remaining()));
        }
        return (int) count;
    }

    String readString(String what) {
        int length = readCount("the length of " + what, MAX_STRING_BYTES, 1);
        long start = take(length, what);
        ByteBuffer buffer = bytes.asSlice(start, length).asByteBuffer();
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(buffer).toString();
        } catch (CharacterCodingException e) {
            throw failure(what + " is not valid UTF-8");
        }
    }

    /// The value of a metadata key: `Long`, `Float`, `Double`, `Boolean`, `String`, or for arrays `long[]`,
    /// `double[]`, `boolean[]` or `List<String>`.
    Object readValue(String key) {
        return readValue(key, readInt("the type of " + key));
    }

    private Object readValue(String key, int type) {
        return switch (type) {
            case 0, 1, 2, 3, 4, 5, 10, 11 -> readInteger(key, type);
            case 6 -> Float.intBitsToFloat(readInt(key));
            case 7 -> readBoolean(key);
            case 8 -> readString("the value of " + key);
            case 9 -> readArray(key);
            case 12 -> Double.longBitsToDouble(readLong(key));
            default -> throw failure("key %s has the unknown value type %d".formatted(key, type));
        };
    }

    private long readInteger(String key, int type) {
        return switch (type) {
            case 0 -> bytes.get(ValueLayout.JAVA_BYTE, take(1, key)) & 0xffL;
            case 1 -> bytes.get(ValueLayout.JAVA_BYTE, take(1, key));
            case 2 -> bytes.get(SHORT, take(2, key)) & 0xffffL;
            case 3 -> bytes.get(SHORT, take(2, key));
            case 4 -> readInt(key) & 0xffff_ffffL;
            case 5 -> readInt(key);
            default -> readWide(key, type == 10);
        };
    }

    private long readWide(String key, boolean unsigned) {
        long value = readLong(key);
        if (unsigned && value < 0) {
            throw failure("key %s is %s, beyond 2^63-1".formatted(key, Long.toUnsignedString(value)));
        }
        return value;
    }

    private boolean readBoolean(String key) {
        byte value = bytes.get(ValueLayout.JAVA_BYTE, take(1, key));
        if (value != 0 && value != 1) {
            throw failure("key %s is a boolean with the value %d".formatted(key, value));
        }
        return value == 1;
    }

    private Object readArray(String key) {
        int type = readInt("the element type of " + key);
        int width = elementBytes(key, type);
        int length = readCount("the length of " + key, MAX_ARRAY_LENGTH, width);
        if (type == 8) {
            List<String> strings = new ArrayList<>(length);
            for (int i = 0; i < length; i++) {
                strings.add(readString("element %d of %s".formatted(i, key)));
            }
            return List.copyOf(strings);
        }
        if (type == 7) {
            boolean[] flags = new boolean[length];
            for (int i = 0; i < length; i++) {
                flags[i] = readBoolean(key);
            }
            return flags;
        }
        if (type == 6 || type == 12) {
            double[] numbers = new double[length];
            for (int i = 0; i < length; i++) {
                numbers[i] = type == 6 ? Float.intBitsToFloat(readInt(key)) : Double.longBitsToDouble(readLong(key));
            }
            return numbers;
        }
        long[] integers = new long[length];
        for (int i = 0; i < length; i++) {
            integers[i] = readInteger(key, type);
        }
        return integers;
    }

    private int elementBytes(String key, int type) {
        return switch (type) {
            case 0, 1, 7 -> 1;
            case 2, 3 -> 2;
            case 4, 5, 6 -> 4;
            case 8, 10, 11, 12 -> 8;
            case 9 -> throw failure("key %s is an array of arrays, which is not supported".formatted(key));
            default -> throw failure("key %s is an array of the unknown type %d".formatted(key, type));
        };
    }
}
