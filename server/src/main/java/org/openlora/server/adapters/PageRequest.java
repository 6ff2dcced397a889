package org.openlora.server.adapters;

import org.openlora.server.adapters.AdapterStatus.Tier;

/// Which part of a list.
///
/// @param size most adapters, 1 to [#MOST]
/// @param after only names behind this one; empty for the first page
/// @param prefix only names that begin so; empty for all
/// @param nearestFrom only adapters at this tier or nearer to the kernels
public record PageRequest(int size, String after, String prefix, Tier nearestFrom) {
    public static final int MOST = 1000;
    public static final int USUAL = 100;

    public PageRequest {
        if (size < 1 || size > MOST) {
            throw new IllegalArgumentException("page_size is %d: allowed is 0 to %d".formatted(size, MOST));
        }
    }

    /// The first page of all.
    public static PageRequest first(int size) {
        return new PageRequest(size, "", "", Tier.REGISTERED);
    }

    /// The page that follows one.
    public PageRequest behind(AdapterPage page) {
        return new PageRequest(size, page.next(), prefix, nearestFrom);
    }
}
