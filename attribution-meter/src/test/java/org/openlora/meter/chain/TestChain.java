package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;

/// One anvil for all tests of this JVM, with the ledger deployed; each test registers an operator of its own.
public final class TestChain {
    static final Path TARGET = Path.of(System.getProperty("openlora.root", ".."), "attribution-meter", "target");
    private static final AtomicInteger OPERATORS = new AtomicInteger();
    private static final Optional<TestChain> INSTANCE = launch();

    public final LocalChain chain;
    final OperatorKey admin = OperatorKey.ofHex(Keccak256.hash("test admin").toString());
    final TransactionSender sender;
    final LedgerDeployer deployer;
    public final LedgerContract ledger;

    private TestChain(LocalChain chain) {
        this.chain = chain;
        chain.fund(admin.address());
        sender = new TransactionSender(chain.rpc(), admin, Duration.ofSeconds(20));
        deployer = new LedgerDeployer(chain.rpc(), sender);
        ledger = deployer.deploy(admin.address());
    }

    /// The chain, or the test is skipped; why was printed when it could not be started.
    public static TestChain require() {
        assumeTrue(INSTANCE.isPresent(), "skipped: there is no local chain, for the reason printed above");
        return INSTANCE.get();
    }

    private static Optional<TestChain> launch() {
        Path folder = TARGET.resolve("test-chain");
        try {
            Files.deleteIfExists(folder.resolve("anvil-state.json"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return LocalChain.start(folder, System.getenv(), System.out::println).map(TestChain::new);
    }

    /// A registered operator with a funded submitter key of its own.
    public Operator operator() {
        Bytes32 salt = Keccak256.hash("operator " + OPERATORS.incrementAndGet());
        OperatorKey submitter = OperatorKey.ofHex(Keccak256.hash(salt.bytes()).toString());
        chain.fund(submitter.address());
        var registered = deployer.register(ledger, salt, submitter.address(), submitter.address());
        assertThat(registered).isPresent();
        return new Operator(OperatorIds.of(admin.address(), salt), submitter);
    }

    public record Operator(Bytes32 id, OperatorKey submitter) {}

    /// A batch with all that proves its receipts.
    record Sealed(BatchHeader header, List<Receipt> receipts, MerkleTree tree) {}

    static Sealed seal(long number, Bytes32 operatorId, List<Receipt> receipts) {
        MerkleTree tree =
                MerkleTree.of(receipts.stream().map(ReceiptCodec::leaf).toList());
        Bytes32 dataHash = Keccak256.hash("data of batch " + number);
        return new Sealed(
                BatchHeader.of(number, operatorId, receipts, tree.root(), dataHash, "file:batch-" + number),
                receipts,
                tree);
    }
}
