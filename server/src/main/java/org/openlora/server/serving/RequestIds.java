package org.openlora.server.serving;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Bytes32;

/// The ids by which receipts know requests.
public final class RequestIds {
    private static final Pattern MADE_UP = Pattern.compile("0x[0-9a-f]{64}");

    private RequestIds() {}

    /// The id of a request that the client named itself: one account's names never meet another's.
    static Bytes32 of(Bytes32 account, String clientRequestId) {
        return Sha256.domain("openlora/request/v1")
                .word(account)
                .prefixed(clientRequestId.getBytes(StandardCharsets.UTF_8))
                .digest();
    }

    /// The id in receipts of one choice of a request: choice 0 has the request's own, so that a request for one
    /// answer has one receipt under its own id.
    public static Bytes32 choice(Bytes32 request, int choice) {
        return choice == 0
                ? request
                : Sha256.domain("openlora/choice/v1").word(request).u64(choice).digest();
    }

    /// The id in receipts for what a client calls a request, be it its own name or the id made up for it.
    public static Bytes32 find(Operator operator, String tenant, String requestId) {
        return MADE_UP.matcher(requestId).matches()
                ? Bytes32.parse(requestId)
                : of(operator.account(tenant), requestId);
    }
}
