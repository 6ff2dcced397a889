package org.openlora.meter.payout;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.OperatorIds;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.chain.TransactionSender.Mined;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;

/// One anvil for the payout tests of this JVM, with all contracts deployed.
final class PayoutChain {
    static final Path TARGET = Path.of(System.getProperty("openlora.root", ".."), "attribution-meter", "target");
    static final int DELAY_SECONDS = 60;
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final AtomicInteger NAMES = new AtomicInteger();
    private static final Optional<PayoutChain> INSTANCE = launch();

    final LocalChain chain;
    final TransactionSender admin;
    final LedgerContract ledger;
    final Address claims;
    final Erc20 token;
    final SettlementToken settlement;

    private PayoutChain(LocalChain chain) {
        this.chain = chain;
        this.admin = account("admin");
        this.ledger = new LedgerDeployer(chain.rpc(), admin).deploy(admin.sender());
        this.claims = PayoutPool.deploy(chain.rpc(), admin, ledger.address());
        this.token = Erc20.development(chain.rpc(), admin);
        this.settlement = token.describe();
    }

    /// The chain, or the test is skipped; why was printed when it could not be started.
    static PayoutChain require() {
        assumeTrue(INSTANCE.isPresent(), "skipped: there is no local chain, for the reason printed above");
        return INSTANCE.get();
    }

    private static Optional<PayoutChain> launch() {
        Path folder = TARGET.resolve("payout-chain");
        try {
            Files.deleteIfExists(folder.resolve("anvil-state.json"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return LocalChain.start(folder, System.getenv(), System.out::println).map(PayoutChain::new);
    }

    static OperatorKey key(String name) {
        return OperatorKey.ofHex(Keccak256.hash("payouts: " + name).toString());
    }

    /// An account with ether.
    TransactionSender account(String name) {
        OperatorKey key = key(name);
        chain.fund(key.address());
        return new TransactionSender(chain.rpc(), key, PATIENCE);
    }

    /// A pool of an operator of its own, open, with the account `guardian` as its guardian.
    PayoutPool pool() {
        PayoutPool pool = unopenedPool();
        pool.open(admin, key("guardian").address(), DELAY_SECONDS);
        return pool;
    }

    PayoutPool unopenedPool() {
        Bytes32 salt = Keccak256.hash("operator " + NAMES.incrementAndGet());
        admin.send(ledger.address(), LedgerContract.registerOperatorCall(salt, admin.sender(), admin.sender()));
        return new PayoutPool(chain.rpc(), claims, OperatorIds.of(admin.sender(), salt), token.address());
    }

    /// Puts fresh tokens into a pool.
    Mined fund(PayoutPool pool, long units) {
        token.mint(admin, admin.sender(), BigInteger.valueOf(units));
        return pool.fund(admin, BigInteger.valueOf(units));
    }

    void advance(int seconds) {
        chain.rpc().call("evm_increaseTime", seconds);
        chain.rpc().call("evm_mine");
    }

    /// Commits receipts as the next batch of their stream.
    Mined commit(Bytes32 operatorId, long number, List<Receipt> receipts) {
        return admin.send(ledger.address(), commitCall(operatorId, number, receipts));
    }

    static byte[] commitCall(Bytes32 operatorId, long number, List<Receipt> receipts) {
        MerkleTree tree =
                MerkleTree.of(receipts.stream().map(ReceiptCodec::leaf).toList());
        return LedgerContract.commitBatchCall(BatchHeader.of(
                number, operatorId, receipts, tree.root(), Keccak256.hash("data"), "file:batch-" + number));
    }

    /// What the ledger contract says of a stream.
    AnchoredStream anchored(Bytes32 operatorId, Bytes32 stream) {
        long batches = ledger.stream(operatorId, stream, BlockReference.LATEST).batches();
        return new AnchoredStream(
                stream,
                batches,
                ledger.batch(operatorId, stream, batches, BlockReference.LATEST).head());
    }
}
