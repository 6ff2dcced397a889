package org.openlora.adapters.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;

/// Reads a header's JSON as a stream and checks that its tensors tile the data section exactly.
///
/// Nothing in the header is believed: every size is recomputed from shape and dtype, and the tensors must follow
/// each other without hole, overlap or rest, as the safetensors format asks.
final class SafetensorsHeader {
    /// The format's own limit.
    static final int MAX_BYTES = 100_000_000;

    static final int MAX_DIMENSIONS = 8;
    static final int MAX_TENSORS = 500_000;
    private static final int MAX_NAME_LENGTH = 1024;

    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(4).build())
            .build();

    private final String file;
    private final long dataOffset;
    private final long dataBytes;
    private final SortedMap<String, TensorInfo> tensors = new TreeMap<>(Utf8.BYTE_ORDER);
    private final SortedMap<String, String> metadata = new TreeMap<>(Utf8.BYTE_ORDER);

    private SafetensorsHeader(String file, long dataOffset, long dataBytes) {
        this.file = file;
        this.dataOffset = dataOffset;
        this.dataBytes = dataBytes;
    }

    static SafetensorsHeader parse(String file, byte[] json, long dataOffset, long dataBytes) {
        var header = new SafetensorsHeader(file, dataOffset, dataBytes);
        try (JsonParser parser = JSON.createParser(json)) {
            header.readObject(parser);
        } catch (IOException e) {
            throw new SafetensorsException(file + ": header is not valid JSON: " + OneLine.reason(e), e);
        }
        header.checkTiling();
        return header;
    }

    SortedMap<String, TensorInfo> tensors() {
        return tensors;
    }

    Map<String, String> metadata() {
        return metadata;
    }

    private void readObject(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw refused("header must be a JSON object");
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            if (name.equals("__metadata__")) {
                readMetadata(parser);
            } else {
                checkName(name);
                tensors.put(name, readTensor(parser, name));
            }
        }
        if (parser.nextToken() != null) {
            throw refused("header has more after its JSON object; only spaces may follow");
        }
    }

    private void checkName(String name) {
        if (name.isEmpty() || name.length() > MAX_NAME_LENGTH || !Utf8.isEncodable(name)) {
            throw refused("tensor name " + OneLine.quote(name) + " is not 1 to " + MAX_NAME_LENGTH
                    + " characters of valid Unicode");
        }
        if (tensors.size() == MAX_TENSORS) {
            throw refused("more than " + MAX_TENSORS + " tensors");
        }
    }

    private void readMetadata(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw refused("__metadata__ must be an object of strings");
        }
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw refused("__metadata__ " + OneLine.quote(key) + " must be a string");
            }
            metadata.put(key, parser.getText());
        }
    }

    private TensorInfo readTensor(JsonParser parser, String name) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw refused(name, "must be an object with dtype, shape and data_offsets");
        }
        @Nullable DType dtype = null;
        @Nullable List<Long> shape = null;
        @Nullable List<Long> offsets = null;
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            parser.nextToken();
            switch (key) {
                case "dtype" -> dtype = readDType(parser, name);
                case "shape" -> shape = readLongs(parser, name, "shape", MAX_DIMENSIONS);
                case "data_offsets" -> offsets = readLongs(parser, name, "data_offsets", 2);
                default ->
                    throw refused(
                            name, "has unknown key " + OneLine.quote(key) + "; allowed: dtype, shape, data_offsets");
            }
        }
        if (dtype == null || shape == null || offsets == null) {
            throw refused(name, "must have dtype, shape and data_offsets");
        }
        return checked(name, dtype, shape, offsets);
    }

    private DType readDType(JsonParser parser, String name) throws IOException {
        String text = parser.currentToken() == JsonToken.VALUE_STRING ? parser.getText() : "not a string";
        return DType.named(text)
                .orElseThrow(() ->
                        refused(name, "has unknown dtype " + OneLine.quote(text) + "; allowed: " + DType.allowed()));
    }

    private List<Long> readLongs(JsonParser parser, String name, String key, int max) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw refused(name, key + " must be a list of integers");
        }
        var values = new ArrayList<Long>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT
                    || parser.getNumberType() == JsonParser.NumberType.BIG_INTEGER
                    || parser.getLongValue() < 0) {
                throw refused(name, key + " must be a list of integers from 0 to 2^63-1");
            }
            if (values.size() == max) {
                throw refused(name, key + " has more than " + max + " entries");
            }
            values.add(parser.getLongValue());
        }
        return values;
    }

    private TensorInfo checked(String name, DType dtype, List<Long> shape, List<Long> offsets) {
        if (offsets.size() != 2) {
            throw refused(name, "data_offsets must be [begin, end], not " + offsets);
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        if (begin > end || end > dataBytes) {
            throw refused(
                    name,
                    "data_offsets " + offsets + " must ascend within the file's " + dataBytes
                            + " bytes of tensor data");
        }
        long sizeBytes = sizeBytes(name, dtype, shape);
        if (sizeBytes != end - begin) {
            throw refused(
                    name,
                    "shape " + shape + " of " + dtype + " takes " + sizeBytes + " bytes, but data_offsets " + offsets
                            + " give it " + (end - begin));
        }
        return new TensorInfo(name, dtype, shape, dataOffset + begin, sizeBytes);
    }

    private long sizeBytes(String name, DType dtype, List<Long> shape) {
        try {
            long size = dtype.elementBytes();
            for (long dimension : shape) {
                size = Math.multiplyExact(size, dimension);
            }
            return size;
        } catch (ArithmeticException e) {
            throw refused(name, "shape " + shape + " overflows 2^63-1 bytes");
        }
    }

    private void checkTiling() {
        var inFileOrder = new ArrayList<>(tensors.values());
        inFileOrder.sort(Comparator.comparingLong(TensorInfo::offset).thenComparingLong(TensorInfo::sizeBytes));
        long expected = dataOffset;
        for (TensorInfo tensor : inFileOrder) {
            if (tensor.offset() < expected) {
                throw refused(
                        tensor.name(), "overlaps the tensor before it by " + (expected - tensor.offset()) + " bytes");
            }
            if (tensor.offset() > expected) {
                throw refused(tensor.name(), "leaves a hole of " + (tensor.offset() - expected) + " bytes before it");
            }
            expected = tensor.offset() + tensor.sizeBytes();
        }
        long rest = dataOffset + dataBytes - expected;
        if (rest != 0) {
            throw refused(rest + " bytes after the last tensor belong to none");
        }
    }

    private SafetensorsException refused(String problem) {
        return new SafetensorsException(file + ": " + problem);
    }

    private SafetensorsException refused(String tensor, String problem) {
        return refused("tensor " + OneLine.quote(tensor) + " " + problem);
    }
}
