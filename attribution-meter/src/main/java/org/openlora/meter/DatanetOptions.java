package org.openlora.meter;

import java.io.IOException;
import java.nio.file.Path;
import org.openlora.meter.datanet.DatanetRegistry;

/// Where a meter's datanets are, and which it begins with.
///
/// @param rows folder of the registered datanets' rows; made where it is not
/// @param indices folder of the indices over them; made where it is not
/// @param first registers what is to be there before anything is scored
public record DatanetOptions(Path rows, Path indices, Registration first) {
    /// Registers datanets.
    @FunctionalInterface
    public interface Registration {
        /// Registers nothing.
        Registration NONE = registry -> {};

        void into(DatanetRegistry registry) throws IOException;
    }

    /// The folders `datanets` and `indices` of a home, and nothing to begin with.
    public static DatanetOptions of(Path home) {
        return of(home, Registration.NONE);
    }

    /// The folders `datanets` and `indices` of a home.
    public static DatanetOptions of(Path home, Registration first) {
        return new DatanetOptions(home.resolve("datanets"), home.resolve("indices"), first);
    }
}
