package org.openlora.adapters.origin;

import java.net.URI;

/// How to reach an S3-compatible store.
///
/// @param endpoint scheme, host and port, without a bucket
/// @param region that requests are signed for
/// @param pathStyle `endpoint/bucket/key` instead of `bucket.endpoint/key`
public record S3Settings(URI endpoint, String region, boolean pathStyle) {
    public S3Settings {
        boolean sound = ("https".equals(endpoint.getScheme()) || "http".equals(endpoint.getScheme()))
                && endpoint.getHost() != null
                && endpoint.getRawUserInfo() == null
                && endpoint.getRawQuery() == null
                && (endpoint.getRawPath().isEmpty() || endpoint.getRawPath().equals("/"));
        if (!sound) {
            throw new IllegalArgumentException("S3 endpoint must be https://host or https://host:port");
        }
        if (!region.matches("[a-z0-9-]{1,63}")) {
            throw new IllegalArgumentException("S3 region %s must be 1 to 63 of a-z, 0-9 and '-'".formatted(region));
        }
    }

    /// AWS's own endpoint of a region.
    public static S3Settings aws(String region) {
        return new S3Settings(URI.create("https://s3.%s.amazonaws.com".formatted(region)), region, false);
    }
}
