package org.openlora.adapters.origin;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.openlora.adapters.OneLine;
import org.openlora.adapters.transfer.RequestSigner;
import org.openlora.adapters.transfer.TransferException;
import org.openlora.adapters.transfer.TransferException.Kind;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.signer.SignedRequest;
import software.amazon.awssdk.identity.spi.AwsCredentialsIdentity;

/// AWS Signature Version 4 of requests to S3, by AWS's own signer.
public final class S3Signer implements RequestSigner {
    private final Supplier<? extends AwsCredentialsIdentity> credentials;
    private final String region;
    private final AwsV4HttpSigner signer = AwsV4HttpSigner.create();

    /// @param credentials asked for each request, for some of them expire
    S3Signer(Supplier<? extends AwsCredentialsIdentity> credentials, String region) {
        this.credentials = credentials;
        this.region = region;
    }

    /// Signs with the credentials that AWS's tools would find: environment, system properties, `~/.aws`, container,
    /// instance. They are looked for at the first request.
    public static S3Signer withDefaultCredentials(String region) {
        DefaultCredentialsProvider provider = DefaultCredentialsProvider.builder().build();
        return new S3Signer(
                () -> {
                    try {
                        return provider.resolveCredentials();
                    } catch (SdkException e) {
                        throw new TransferException(Kind.FORBIDDEN, "no AWS credentials: " + OneLine.reason(e), e);
                    }
                },
                region);
    }

    @Override
    public Map<String, String> sign(URI uri, Map<String, String> headers) {
        SdkHttpRequest.Builder request =
                SdkHttpRequest.builder().method(SdkHttpMethod.GET).uri(uri);
        headers.forEach(request::putHeader);
        AwsCredentialsIdentity identity = credentials.get();
        // S3 signs the path as it stands, where other services encode it twice and resolve its dots.
        SignedRequest signed = signer.sign(b -> b.identity(identity)
                .request(request.build())
                .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "s3")
                .putProperty(AwsV4HttpSigner.REGION_NAME, region)
                .putProperty(AwsV4HttpSigner.DOUBLE_URL_ENCODE, false)
                .putProperty(AwsV4HttpSigner.NORMALIZE_PATH, false));
        var added = new HashMap<String, String>();
        signed.request().forEachHeader((name, values) -> {
            boolean known = headers.keySet().stream().anyMatch(name::equalsIgnoreCase);
            // The HTTP client writes the host itself, from the same URI.
            if (!known && !name.equalsIgnoreCase("host")) {
                added.put(name, String.join(",", values));
            }
        });
        return added;
    }
}
