package org.openlora.adapters;

import java.util.stream.LongStream;

/// Memory that an adapter's weights need.
///
/// @param bytes of all its blocks with their headers
/// @param largestBlockBytes of the largest of them, header included: no less must be found in one piece
public record AdapterSize(long bytes, long largestBlockBytes) {
    public AdapterSize {
        if (largestBlockBytes <= 0 || bytes < largestBlockBytes) {
            throw new IllegalArgumentException("an adapter of " + bytes + " bytes cannot have a largest block of "
                    + largestBlockBytes + ": both must be positive, and the block no larger than the whole");
        }
    }

    /// The size of an adapter that calls [AdapterMemory#allocate] with each of `blockBytes`, at least one.
    public static AdapterSize of(LongStream blockBytes) {
        long[] blocks = blockBytes.map(AdapterSize::ofBlock).toArray();
        return new AdapterSize(
                LongStream.of(blocks).reduce(0, Math::addExact),
                LongStream.of(blocks).max().orElse(0));
    }

    /// Bytes that a block of `bytes` takes with its header, up to where the next can begin.
    public static long ofBlock(long bytes) {
        long alignment = AdapterMemory.ALIGNMENT_BYTES;
        return AdapterMemory.HEADER_BYTES + Math.ceilDiv(bytes, alignment) * alignment;
    }
}
