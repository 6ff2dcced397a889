package org.openlora.adapters.origin;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.openlora.adapters.Digest;

/// Signature Version 4 as a server computes it, written from AWS's description and not from the library's code.
final class SigV4Check {
    private static final Pattern AUTHORIZATION = Pattern.compile(
            "AWS4-HMAC-SHA256 Credential=([^/]+)/(\\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+),"
                    + " ?Signature=([0-9a-f]{64})");

    private final String accessKey;
    private final String secretKey;
    private final String region;

    SigV4Check(String accessKey, String secretKey, String region) {
        this.accessKey = accessKey;
        this.secretKey = secretKey;
        this.region = region;
    }

    /// 200 where the request is signed as it must be, 403 elsewhere.
    int status(HttpExchange exchange) {
        Headers headers = exchange.getRequestHeaders();
        Matcher header = AUTHORIZATION.matcher(String.valueOf(headers.getFirst("Authorization")));
        if (!header.matches()
                || !header.group(1).equals(accessKey)
                || !header.group(3).equals(region)
                || !header.group(4).contains("host")) {
            return 403;
        }
        String date = header.group(2);
        String query = exchange.getRequestURI().getRawQuery();
        String canonicalQuery = query == null
                ? ""
                : Arrays.stream(query.split("&")).sorted().collect(Collectors.joining("&"));
        String canonicalHeaders = Arrays.stream(header.group(4).split(";"))
                .map(name -> name + ":" + Objects.requireNonNull(headers.getFirst(name)).strip() + "\n")
                .collect(Collectors.joining());
        String canonical = String.join(
                "\n",
                exchange.getRequestMethod(),
                exchange.getRequestURI().getRawPath(),
                canonicalQuery,
                canonicalHeaders,
                header.group(4),
                String.valueOf(headers.getFirst("x-amz-content-sha256")));
        String time = String.valueOf(headers.getFirst("x-amz-date"));
        String toSign = String.join(
                "\n",
                "AWS4-HMAC-SHA256",
                time,
                date + "/" + region + "/s3/aws4_request",
                Digest.sha256(canonical.getBytes(StandardCharsets.UTF_8)).hex());
        byte[] key = ("AWS4" + secretKey).getBytes(StandardCharsets.UTF_8);
        for (String part : new String[] {date, region, "s3", "aws4_request"}) {
            key = hmac(key, part);
        }
        boolean holds = time.toLowerCase(Locale.ROOT).startsWith(date)
                && HexFormat.of().formatHex(hmac(key, toSign)).equals(header.group(5));
        return holds ? 200 : 403;
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }
}
