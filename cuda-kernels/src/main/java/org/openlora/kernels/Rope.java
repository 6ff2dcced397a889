package org.openlora.kernels;

import static org.openlora.kernels.Lanes.COUNT;
import static org.openlora.kernels.Lanes.FLOATS;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/// Rotary position embedding in the half-split form of Hugging Face ("rotate_half").
///
/// For position `p` and `i < headDim / 2`, with `a = p · frequency[i]`:
/// `(x[i], x[i + headDim/2]) ← (x[i]·cos a − x[i + headDim/2]·sin a, x[i + headDim/2]·cos a + x[i]·sin a)`.
/// Frequencies and angles are rounded to f32, as the reference implementation does: at position 100,000 that
/// rounding is visible, and models were trained with it.
///
/// Cosines and sines are computed for 1,024 positions at a time when first needed; used by one thread.
/// RoFormer: <https://arxiv.org/abs/2104.09864>.
public final class Rope {
    private static final int POSITIONS_PER_CHUNK = 1024;

    private final int headDim;
    private final int half;
    private final int maxPositions;
    private final float[] frequencies; // [headDim / 2]
    private final float[] @Nullable [] chunks; // per chunk [POSITIONS_PER_CHUNK][cos: half | sin: half]

    private Rope(int headDim, int maxPositions, float[] frequencies) {
        this.headDim = headDim;
        this.half = headDim / 2;
        this.maxPositions = maxPositions;
        this.frequencies = frequencies;
        this.chunks = new float[(maxPositions + POSITIONS_PER_CHUNK - 1) / POSITIONS_PER_CHUNK][];
    }

    /// Rotary embedding of heads of `headDim` for positions `[0, maxPositions)`.
    ///
    /// @throws IllegalArgumentException if `headDim` is odd, or a number is not positive
    public static Rope of(int headDim, int maxPositions, double theta, RopeScaling scaling) {
        Shapes.positive("headDim", headDim);
        Shapes.positive("maxPositions", maxPositions);
        if (headDim % 2 != 0) {
            throw new IllegalArgumentException("headDim is " + headDim + ", must be even");
        }
        if (!(theta > 0)) {
            throw new IllegalArgumentException("rope theta is " + theta + ", must be positive");
        }
        return new Rope(headDim, maxPositions, frequencies(headDim, theta, scaling));
    }

    /// Turns `heads` consecutive heads of each row in place.
    ///
    /// @param buffer `rows` rows of `stride` floats; `heads × headDim` floats from `offset` on of each are
    ///     changed
    /// @param positions position of each row
    /// @throws IllegalArgumentException if the buffer is too short or a position is not in `[0, maxPositions)`
    public void apply(float[] buffer, int rows, int stride, int offset, int heads, int[] positions) {
        Shapes.strided("buffer", buffer, rows, stride, offset, heads * headDim);
        if (positions.length < rows) {
            throw new IllegalArgumentException("positions has " + positions.length + " elements, needs " + rows);
        }
        for (int row = 0; row < rows; row++) {
            int position = positions[row];
            if (position < 0 || position >= maxPositions) {
                throw new IllegalArgumentException(
                        "position " + position + " of row " + row + " is not in [0, " + maxPositions + ")");
            }
            float[] table = chunk(position / POSITIONS_PER_CHUNK);
            int angles = position % POSITIONS_PER_CHUNK * headDim;
            for (int head = 0; head < heads; head++) {
                turn(buffer, row * stride + offset + head * headDim, table, angles);
            }
        }
    }

    private void turn(float[] x, int start, float[] table, int angles) {
        int i = 0;
        for (; i + COUNT <= half; i += COUNT) {
            FloatVector cos = FloatVector.fromArray(FLOATS, table, angles + i);
            FloatVector sin = FloatVector.fromArray(FLOATS, table, angles + half + i);
            FloatVector first = FloatVector.fromArray(FLOATS, x, start + i);
            FloatVector second = FloatVector.fromArray(FLOATS, x, start + half + i);
            first.mul(cos).sub(second.mul(sin)).intoArray(x, start + i);
            second.mul(cos).add(first.mul(sin)).intoArray(x, start + half + i);
        }
        for (; i < half; i++) {
            float cos = table[angles + i];
            float sin = table[angles + half + i];
            float first = x[start + i];
            float second = x[start + half + i];
            x[start + i] = first * cos - second * sin;
            x[start + half + i] = second * cos + first * sin;
        }
    }

    private float[] chunk(int index) {
        float[] chunk = chunks[index];
        if (chunk == null) {
            chunk = angles(index * POSITIONS_PER_CHUNK);
            chunks[index] = chunk;
        }
        return chunk;
    }

    private float[] angles(int firstPosition) {
        float[] table = new float[POSITIONS_PER_CHUNK * headDim];
        for (int p = 0; p < POSITIONS_PER_CHUNK; p++) {
            for (int i = 0; i < half; i++) {
                float angle = (float) (firstPosition + p) * frequencies[i];
                table[p * headDim + i] = (float) Math.cos(angle);
                table[p * headDim + half + i] = (float) Math.sin(angle);
            }
        }
        return table;
    }

    private static float[] frequencies(int headDim, double theta, RopeScaling scaling) {
        float[] frequencies = new float[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            // Rounded at each step, as the f32 tensor arithmetic that models were trained with.
            float exponent = (float) (2 * i) / headDim;
            float frequency = 1.0f / (float) Math.pow((float) theta, exponent);
            frequencies[i] = scale(frequency, scaling);
        }
        return frequencies;
    }

    private static float scale(float frequency, RopeScaling scaling) {
        return switch (scaling) {
            case RopeScaling.None _ -> frequency;
            case RopeScaling.Linear linear -> (float) (frequency / linear.factor());
            case RopeScaling.Llama3 llama3 -> scale(frequency, llama3);
        };
    }

    private static float scale(float frequency, RopeScaling.Llama3 scaling) {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength < scaling.originalMaxPositions() / scaling.highFrequencyFactor()) {
            return frequency;
        }
        double slow = frequency / scaling.factor();
        if (wavelength > scaling.originalMaxPositions() / scaling.lowFrequencyFactor()) {
            return (float) slow;
        }
        double smooth = (scaling.originalMaxPositions() / wavelength - scaling.lowFrequencyFactor())
                / (scaling.highFrequencyFactor() - scaling.lowFrequencyFactor());
        return (float) ((1 - smooth) * slow + smooth * frequency);
    }
}
