package org.openlora.adapters.origin;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.transfer.ContentHash;
import org.openlora.adapters.transfer.ContentHash.Algorithm;
import org.openlora.adapters.transfer.Deadline;
import org.openlora.adapters.transfer.FileFacts;
import org.openlora.adapters.transfer.HttpTransfer;
import org.openlora.adapters.transfer.RemoteFile;
import org.openlora.adapters.transfer.RequestSigner;

/// Lists and addresses the objects of S3-compatible stores.
final class S3Client {
    private static final int MAX_LISTING_BYTES = 8 << 20;
    private static final Map<String, Algorithm> CHECKSUMS = Map.of(
            "x-amz-checksum-sha256", Algorithm.SHA256,
            "x-amz-checksum-crc64nvme", Algorithm.CRC64NVME,
            "x-amz-checksum-crc32c", Algorithm.CRC32C,
            "x-amz-checksum-crc32", Algorithm.CRC32);

    private final S3Settings settings;
    private final RequestSigner signer;
    private final HttpTransfer transfer;
    private final XMLInputFactory xml = XMLInputFactory.newFactory();

    S3Client(S3Settings settings, RequestSigner signer, HttpTransfer transfer) {
        this.settings = settings;
        this.signer = signer;
        this.transfer = transfer;
        xml.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        xml.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        xml.setProperty(XMLInputFactory.IS_COALESCING, true);
    }

    /// The names of the objects directly below a prefix.
    Set<String> names(AdapterOrigin.S3Prefix origin, Deadline deadline) throws IOException {
        String prefix = origin.prefix().isEmpty() ? "" : origin.prefix() + "/";
        URI uri = URI.create(
                bucket(origin.bucket()) + "?delimiter=%2F&list-type=2&max-keys=1000&prefix=" + encoded(prefix));
        byte[] listing = transfer.document(
                RemoteFile.of("the listing of the prefix", uri, FileFacts.NONE, signer), MAX_LISTING_BYTES, deadline);
        return parse(listing, prefix);
    }

    /// The object of that name below a prefix.
    RemoteFile file(AdapterOrigin.S3Prefix origin, String name) {
        String key = origin.prefix().isEmpty() ? name : origin.prefix() + "/" + name;
        String path = Arrays.stream(key.split("/", -1)).map(S3Client::encoded).collect(Collectors.joining("/"));
        return new RemoteFile(
                name,
                URI.create(bucket(origin.bucket()) + path),
                FileFacts.NONE,
                S3Client::announced,
                Map.of("x-amz-checksum-mode", "ENABLED"),
                signer);
    }

    private String bucket(String bucket) {
        URI endpoint = settings.endpoint();
        return settings.pathStyle()
                ? "%s://%s/%s/".formatted(endpoint.getScheme(), endpoint.getRawAuthority(), bucket)
                : "%s://%s.%s/".formatted(endpoint.getScheme(), bucket, endpoint.getRawAuthority());
    }

    /// A checksum of the whole object, where S3 has one: one of parts has their number behind it. The checksum of a part
    /// of the object is not believed either: it would be sent with status 206, and facts are kept from status 200.
    private static FileFacts announced(HttpHeaders headers) {
        boolean composite = headers.firstValue("x-amz-checksum-type").orElse("").equals("COMPOSITE");
        Optional<ContentHash> hash = CHECKSUMS.entrySet().stream()
                .sorted(Map.Entry.comparingByValue())
                .flatMap(entry -> headers.firstValue(entry.getKey()).stream()
                        .filter(value -> !composite && !value.contains("-"))
                        .flatMap(value -> hex(value).stream())
                        .map(hex -> new ContentHash(entry.getValue(), hex)))
                .findFirst();
        return new FileFacts(OptionalLong.empty(), hash, headers.firstValue("ETag").orElse(""));
    }

    private static Optional<String> hex(String base64) {
        try {
            return Optional.of(HexFormat.of().formatHex(Base64.getDecoder().decode(base64)));
        } catch (IllegalArgumentException notBase64) {
            return Optional.empty(); // S3 itself sends Base64, and a store that does not has no checksum for us
        }
    }

    private Set<String> parse(byte[] listing, String prefix) {
        var names = new TreeSet<String>();
        try {
            XMLStreamReader reader = xml.createXMLStreamReader(new ByteArrayInputStream(listing));
            while (reader.hasNext()) {
                if (reader.next() != XMLStreamConstants.START_ELEMENT) {
                    continue;
                }
                switch (reader.getLocalName()) {
                    case "Key" -> {
                        String key = reader.getElementText();
                        if (key.startsWith(prefix) && key.length() > prefix.length()) {
                            names.add(key.substring(prefix.length()));
                        }
                    }
                    case "IsTruncated" -> requireWhole(reader.getElementText());
                    default -> {}
                }
            }
            return names;
        } catch (XMLStreamException e) {
            throw new AdapterException(Code.UNAVAILABLE, "the store's listing is no XML", e);
        }
    }

    private static void requireWhole(String truncated) {
        if (truncated.equals("true")) {
            throw new AdapterException(
                    Code.INVALID, "there are more than 1000 objects below the prefix; allowed: those of one adapter");
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }
}
