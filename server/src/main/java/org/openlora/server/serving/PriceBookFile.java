package org.openlora.server.serving;

import java.io.IOException;
import org.openlora.meter.pricing.PriceBook;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;

/// The price book that the settings name.
public final class PriceBookFile {
    private PriceBookFile() {}

    /// Reads the named file, or the shipped one where none is named.
    ///
    /// @throws IOException where it cannot be read
    /// @throws org.openlora.meter.document.DocumentException naming file, line and field where it breaks the format
    public static PriceBook read(ServerConfig config, Installation installation) throws IOException {
        String file = config.metering().priceBook();
        return file.isEmpty()
                ? PriceBook.parse("config/pricebook.yaml", ConfigLoader.shippedText("pricebook.yaml"))
                : PriceBook.read(installation.root().resolve(file));
    }
}
