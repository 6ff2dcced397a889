package org.openlora.server.adapters;

import java.nio.file.Path;
import java.util.regex.Pattern;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.origin.AdapterOrigin;

/// Reads what clients name as an origin: an address, or the name of a folder under the adapter root. Whether it may be
/// fetched from, the operator's settings say; a bare path of this machine is none.
///
/// @param root the adapter root
record Origins(Path root) {
    private static final Pattern FOLDER_NAME = Pattern.compile("[^./\\\\~\\p{Cntrl}][^/\\\\\\p{Cntrl}]{0,127}");

    /// @throws IllegalArgumentException for a path
    /// @throws org.openlora.adapters.AdapterException for an address that has none of the forms
    AdapterOrigin parse(String text) {
        if (text.contains("://")) {
            return AdapterOrigin.parse(text);
        }
        if (FOLDER_NAME.matcher(text).matches()) {
            return new AdapterOrigin.LocalFolder(root.resolve(text).toAbsolutePath());
        }
        throw new IllegalArgumentException(
                "origin %s is a path, and clients name no paths of the server; allowed: ".formatted(OneLine.quote(text))
                        + "hf://owner/name@revision/subfolder, s3://bucket/prefix,"
                        + " https://host/folder/#file=sha256&file=sha256, or the name of a folder under the adapter root");
    }
}
