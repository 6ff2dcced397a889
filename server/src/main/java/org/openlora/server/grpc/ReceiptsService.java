package org.openlora.server.grpc;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.function.Supplier;
import org.openlora.api.v1.GetReceiptRequest;
import org.openlora.api.v1.ListReceiptsRequest;
import org.openlora.api.v1.ListReceiptsResponse;
import org.openlora.api.v1.Receipt;
import org.openlora.api.v1.ReceiptsGrpc;
import org.openlora.api.v1.VerifyReceiptRequest;
import org.openlora.api.v1.VerifyReceiptResponse;
import org.openlora.server.problem.Problem;
import org.openlora.server.receipts.ReceiptDesk;

/// `openlora.v1.Receipts`: the desk, behind the tenant's key.
final class ReceiptsService extends ReceiptsGrpc.ReceiptsImplBase {
    private final ReceiptDesk desk;
    private final CallLimiter limiter;

    ReceiptsService(ReceiptDesk desk, CallLimiter limiter) {
        this.desk = desk;
        this.limiter = limiter;
    }

    @Override
    public void getReceipt(GetReceiptRequest request, StreamObserver<Receipt> response) {
        String tenant = TenantInterceptor.current().name();
        limiter.answer(response, found(() -> desk.get(request, tenant)));
    }

    @Override
    public void listReceipts(ListReceiptsRequest request, StreamObserver<ListReceiptsResponse> response) {
        String tenant = TenantInterceptor.current().name();
        limiter.answer(response, () -> desk.list(request, tenant));
    }

    @Override
    public void verifyReceipt(VerifyReceiptRequest request, StreamObserver<VerifyReceiptResponse> response) {
        String tenant = TenantInterceptor.current().name();
        limiter.answer(response, found(() -> desk.verify(request, tenant)));
    }

    private static <P> Supplier<P> found(Supplier<P> look) {
        return () -> {
            try {
                return look.get();
            } catch (Problem e) {
                throw Status.NOT_FOUND.withDescription(Problem.describe(e)).asRuntimeException();
            }
        };
    }
}
