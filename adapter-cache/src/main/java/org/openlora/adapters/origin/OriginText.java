package org.openlora.adapters.origin;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.Utf8;
import org.openlora.adapters.origin.AdapterOrigin.HttpsFiles;
import org.openlora.adapters.origin.AdapterOrigin.HubRepository;
import org.openlora.adapters.origin.AdapterOrigin.LocalFolder;
import org.openlora.adapters.origin.AdapterOrigin.S3Prefix;

/// The text form of origins, both ways.
final class OriginText {
    private static final int MAX_LENGTH = 16_384;
    private static final String FORMS = "file:///folder, hf://owner/name@revision/subfolder, s3://bucket/prefix or"
            + " https://host/folder/#file=sha256&file=sha256";

    private OriginText() {}

    static AdapterOrigin parse(String text) {
        if (text.length() > MAX_LENGTH) {
            throw invalid("longer than " + MAX_LENGTH + " characters");
        }
        int colon = text.indexOf("://");
        String rest = colon < 0 ? "" : text.substring(colon + 3);
        return switch (colon < 0 ? "" : text.substring(0, colon)) {
            case "file" -> new LocalFolder(folder(rest));
            case "hf" -> hub(rest);
            case "s3" -> s3(rest);
            case "https", "http" -> https(text);
            default -> throw invalid(OneLine.quote(text) + " has none of the forms " + FORMS);
        };
    }

    static String of(LocalFolder origin) {
        return "file://" + origin.folder();
    }

    static String of(HubRepository origin) {
        return "hf://" + origin.repository() + "@" + origin.revision().replace("/", "%2F")
                + (origin.subfolder().isEmpty() ? "" : "/" + origin.subfolder());
    }

    static String of(S3Prefix origin) {
        return "s3://" + origin.bucket() + (origin.prefix().isEmpty() ? "" : "/" + origin.prefix());
    }

    static String of(HttpsFiles origin) {
        return origin.sha256().entrySet().stream()
                .map(file -> file.getKey() + "=" + file.getValue().hex())
                .collect(Collectors.joining("&", origin.base() + "#", ""));
    }

    /// Throws [AdapterException] unless `path` is empty or plain names with single slashes between them.
    static void checkSegments(String what, String path) {
        if (path.isEmpty()) {
            return;
        }
        for (String segment : path.split("/", -1)) {
            boolean plain = !segment.isEmpty() && !segment.equals(".") && !segment.equals("..");
            boolean printable = Utf8.isEncodable(segment)
                    && segment.chars().noneMatch(c -> Character.isISOControl(c) || "\\?#%".indexOf(c) >= 0);
            if (!plain || !printable) {
                throw invalid(what + " " + OneLine.quote(path)
                        + " must be names with single slashes between them, without '.', '..', \\, ?, # and %");
            }
        }
    }

    static void checkBase(URI base) {
        boolean sound = ("https".equals(base.getScheme()) || "http".equals(base.getScheme()))
                && base.getHost() != null
                && base.getRawPath() != null
                && base.getRawPath().endsWith("/")
                && base.normalize().equals(base);
        if (!sound) {
            throw invalid("address " + OneLine.quote(withoutSecrets(base)) + " must be https://host/folder/, with a"
                    + " slash at its end");
        }
        if (base.getRawUserInfo() != null || base.getRawQuery() != null || base.getRawFragment() != null) {
            throw invalid("address " + OneLine.quote(withoutSecrets(base))
                    + " must not hold a user, a password or a query: origins are stored and shown");
        }
    }

    private static Path folder(String rest) {
        if (!rest.startsWith("/") || rest.indexOf('\0') >= 0) {
            throw invalid("a folder must be given as file:///absolute/path");
        }
        return Path.of(rest);
    }

    private static HubRepository hub(String rest) {
        String[] parts = rest.split("/", 3);
        if (parts.length < 2) {
            throw invalid("hf://" + rest + " names no repository: give hf://owner/name@revision/subfolder");
        }
        int at = parts[1].indexOf('@');
        String name = at < 0 ? parts[1] : parts[1].substring(0, at);
        String revision = at < 0 ? "main" : parts[1].substring(at + 1).replace("%2F", "/");
        return new HubRepository(parts[0] + "/" + name, revision, parts.length < 3 ? "" : trimSlash(parts[2]));
    }

    private static S3Prefix s3(String rest) {
        int slash = rest.indexOf('/');
        return slash < 0
                ? new S3Prefix(rest, "")
                : new S3Prefix(rest.substring(0, slash), trimSlash(rest.substring(slash + 1)));
    }

    private static HttpsFiles https(String text) {
        int hash = text.indexOf('#');
        if (hash < 0) {
            throw invalid("an https origin needs the SHA-256 of each file: https://host/folder/#file=sha256&file=sha256");
        }
        Map<String, Digest> sha256 = new TreeMap<>();
        for (String part : text.substring(hash + 1).split("&", -1)) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? "" : URLDecoder.decode(part.substring(0, equals), StandardCharsets.UTF_8);
            if (name.isEmpty() || sha256.put(name, digest(part.substring(equals + 1))) != null) {
                throw invalid(OneLine.quote(part) + " is not file=sha256, each file once");
            }
        }
        try {
            return new HttpsFiles(new URI(text.substring(0, hash)), sha256);
        } catch (URISyntaxException e) {
            throw new AdapterException(Code.INVALID, "adapter origin: no address: " + e.getReason(), e);
        }
    }

    private static Digest digest(String text) {
        try {
            return Digest.parse(text);
        } catch (IllegalArgumentException e) {
            throw new AdapterException(Code.INVALID, "adapter origin: " + e.getMessage(), e);
        }
    }

    private static String trimSlash(String text) {
        return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
    }

    private static String withoutSecrets(URI uri) {
        return uri.getScheme() + "://" + uri.getHost() + uri.getRawPath();
    }

    private static AdapterException invalid(String what) {
        return new AdapterException(Code.INVALID, "adapter origin: " + what);
    }
}
