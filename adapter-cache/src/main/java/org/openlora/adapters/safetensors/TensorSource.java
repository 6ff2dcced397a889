package org.openlora.adapters.safetensors;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SortedMap;
import org.openlora.adapters.OneLine;

/// Named tensors, wherever they lie. What it hands out is valid until it is closed.
public interface TensorSource extends AutoCloseable {
    /// All tensors, in the byte order of their UTF-8 names.
    SortedMap<String, TensorInfo> tensors();

    /// The tensor's bytes as stored, read-only, possibly unaligned; throws [SafetensorsException] where there is
    /// no such tensor.
    MemorySegment data(String name);

    @Override
    void close();

    default boolean has(String name) {
        return tensors().containsKey(name);
    }

    /// The description of a tensor; throws [SafetensorsException] where there is no such tensor.
    default TensorInfo info(String name) {
        TensorInfo info = tensors().get(name);
        if (info == null) {
            throw new SafetensorsException("no tensor " + OneLine.quote(name) + " among the "
                    + tensors().size() + " stored");
        }
        return info;
    }

    /// The values of an F32, F16 or BF16 tensor, exactly.
    default float[] floats(String name) {
        TensorInfo info = readable(name);
        if (info.elements() > Integer.MAX_VALUE - 8) {
            throw new SafetensorsException("tensor " + OneLine.quote(name) + " of " + info.elements()
                    + " elements is too large for an array of floats");
        }
        var values = new float[(int) info.elements()];
        TensorValues.toFloats(info.dtype(), data(name), values);
        return values;
    }

    /// The values of an F32, F16 or BF16 tensor as bf16, rounded to nearest even, aligned to at least two bytes.
    ///
    /// BF16 is handed out as stored, without a copy, where its alignment allows; anything else is converted into
    /// `arena`.
    default MemorySegment bf16(String name, Arena arena) {
        TensorInfo info = readable(name);
        MemorySegment stored = data(name);
        if (info.dtype() == DType.BF16 && stored.address() % Short.BYTES == 0) {
            return stored;
        }
        MemorySegment converted = arena.allocate(info.elements() * Short.BYTES, 64);
        TensorValues.toBf16(info.dtype(), stored, converted);
        return converted;
    }

    private TensorInfo readable(String name) {
        TensorInfo info = info(name);
        if (!info.dtype().isReadable()) {
            throw new SafetensorsException("tensor " + OneLine.quote(name) + " is stored as " + info.dtype()
                    + "; only F32, F16 and BF16 can be read as numbers");
        }
        return info;
    }
}
