package org.openlora.adapters.origin;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.OneLine;

/// Which origins the operator lets adapters come from. Each entry allows what lies below it, part by part:
///
/// - `hf://owner` or `hf://owner/name`
/// - `s3://bucket` or `s3://bucket/prefix`
/// - `https://host/` or `https://host/folder/`; with `http://` for a host that speaks no TLS
/// - `file:///folder`
public final class AllowedOrigins {
    private static final Pattern FORM = Pattern.compile(
            "hf://[^/@]+(/[^/@]+)?|s3://[^/]+(/.*[^/])?|https?://[^/?#@]+/([^?#]*/)?|file:///.*");

    private final List<String> entries;

    private AllowedOrigins(List<String> entries) {
        this.entries = List.copyOf(entries);
    }

    /// Reads entries; throws [IllegalArgumentException] that names the one that has none of the forms.
    public static AllowedOrigins parse(List<String> entries) {
        for (String entry : entries) {
            if (!FORM.matcher(entry).matches()) {
                throw new IllegalArgumentException("allowed origin " + OneLine.quote(entry)
                        + " has none of the forms hf://owner, hf://owner/name, s3://bucket, s3://bucket/prefix,"
                        + " https://host/, https://host/folder/, file:///folder");
            }
        }
        return new AllowedOrigins(entries);
    }

    /// Throws [AdapterException] with code `REFUSED` where no entry allows the origin.
    public void check(AdapterOrigin origin) {
        boolean allowed =
                switch (origin) {
                    case AdapterOrigin.LocalFolder local -> allowsFolder(local.folder());
                    case AdapterOrigin.HubRepository hub -> allowsBelow("hf://" + hub.repository());
                    case AdapterOrigin.S3Prefix s3 -> allowsBelow(s3.toString());
                    case AdapterOrigin.HttpsFiles files -> allowsAddress(files.base());
                };
        if (!allowed) {
            throw new AdapterException(
                    Code.REFUSED,
                    "adapters may not be fetched from " + OneLine.quote(origin.toString()) + "; allowed: "
                            + (entries.isEmpty() ? "nothing but the adapter root" : String.join(", ", entries)));
        }
    }

    private boolean allowsBelow(String place) {
        return entries.stream().anyMatch(entry -> place.equals(entry) || place.startsWith(entry + "/"));
    }

    private boolean allowsAddress(URI base) {
        String address = base.getScheme() + "://" + base.getRawAuthority() + base.getRawPath();
        return entries.stream().anyMatch(entry -> entry.endsWith("/") && address.startsWith(entry));
    }

    /// Both with their links resolved, so that none leads out.
    private boolean allowsFolder(Path folder) {
        return entries.stream().filter(entry -> entry.startsWith("file://")).anyMatch(entry -> {
            Path allowed = Path.of(entry.substring("file://".length()));
            try {
                return Files.exists(folder)
                        ? folder.toRealPath().startsWith(allowed.toRealPath())
                        : folder.startsWith(allowed.normalize());
            } catch (IOException unreadable) {
                return false; // an allowed folder that is not there allows nothing
            }
        });
    }
}
