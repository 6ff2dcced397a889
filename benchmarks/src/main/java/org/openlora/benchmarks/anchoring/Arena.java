package org.openlora.benchmarks.anchoring;

import java.io.BufferedReader;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.openlora.meter.chain.BatchHeader;
import org.openlora.meter.chain.BlockReference;
import org.openlora.meter.chain.ChainException;
import org.openlora.meter.chain.FlushSource;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.OperatorIds;
import org.openlora.meter.chain.SealedBatches;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.lease.Fence;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.merkle.MerkleTree;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A chain of its own with the ledger contract and an operator, a ledger with sealed batches, and a miner that mines a
/// block every few milliseconds.
final class Arena implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Arena.class);
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long BLOCK_MILLIS = 25;
    private static final int RECEIPTS = 20; // of a batch
    private static final Bytes32 STREAM = Keccak256.hash("campaign");

    private final Path folder;
    private final Anvil anvil;
    private final OperatorKey key =
            OperatorKey.ofHex(Keccak256.hash("campaign operator").toString());
    private final LedgerContract contract;
    private final Bytes32 operatorId;
    private final Thread miner;
    private final long transactionsBefore;
    private volatile boolean closed;

    /// @param batches how many the ledger holds
    static Arena open(Path anvilBinary, Path folder, int batches, long seed) throws IOException {
        Files.createDirectories(folder);
        Anvil anvil = new Anvil(anvilBinary, folder);
        try {
            anvil.start();
            Arena arena = new Arena(folder, anvil);
            arena.fill(arena.ledgerFolder(), batches, seed);
            // What a killed node falls back to: the contract and the operator, no batch.
            anvil.stop();
            anvil.start();
            // A node that was started again has no state of earlier blocks: the final one must be a later one.
            anvil.rpc().call("anvil_mine", "0x8");
            arena.miner.start();
            return arena;
        } catch (IOException | RuntimeException e) {
            anvil.close();
            throw e;
        }
    }

    private Arena(Path folder, Anvil anvil) {
        this.folder = folder;
        this.anvil = anvil;
        JsonRpc rpc = anvil.rpc();
        rpc.call("anvil_setBalance", key.address().toString(), "0x56bc75e2d63100000");
        rpc.call("evm_setAutomine", true);
        TransactionSender sender = new TransactionSender(rpc, key, PATIENCE);
        LedgerDeployer deployer = new LedgerDeployer(rpc, sender);
        this.contract = deployer.deploy(key.address());
        Bytes32 salt = Bytes32.ZERO;
        var _ = deployer.register(contract, salt, key.address(), key.address());
        this.operatorId = OperatorIds.of(key.address(), salt);
        rpc.call("evm_setAutomine", false);
        this.transactionsBefore = nonce();
        rpc.call("anvil_mine", "0x10"); // no reorganisation reaches the contract
        this.miner = Thread.ofPlatform().daemon().name("campaign-miner").unstarted(this::mine);
    }

    private void fill(Path ledgerFolder, int batches, long seed) {
        SyntheticReceipts receipts = new SyntheticReceipts(identity(), seed);
        try (Ledger ledger = openLedger(ledgerFolder)) {
            for (int i = 0; i < batches; i++) {
                receipts.add(ledger, RECEIPTS, _ -> {});
                var _ = ledger.seal(System.currentTimeMillis());
            }
        }
    }

    private void mine() {
        while (!closed) {
            try {
                synchronized (anvil) {
                    anvil.rpc().call("evm_mine");
                }
            } catch (ChainException.Unreachable e) {
                LOG.debug("the node closed the connection; the next block comes later", e);
            }
            Anvil.sleep(BLOCK_MILLIS);
        }
    }

    private LedgerIdentity identity() {
        return new LedgerIdentity(STREAM, operatorId, Eip712Domain.ledger(31_337, contract.address()), key);
    }

    /// The node, which is this object's monitor too: whoever has it keeps the miner away.
    Anvil anvil() {
        return anvil;
    }

    OperatorKey key() {
        return key;
    }

    Path folder() {
        return folder;
    }

    Path ledgerFolder() {
        return folder.resolve("ledger");
    }

    Ledger openLedger(Path ledgerFolder) {
        return Ledger.open(LedgerLocation.of(ledgerFolder), identity());
    }

    /// The stream in a ledger of this arena.
    FlushSource source(Ledger ledger) {
        return ledger.flushSources(Fence.OPEN).getFirst();
    }

    /// A second ledger of the same operator and stream.
    ///
    /// @param same whether its batches are the same, too
    Path secondLedger(boolean same, int batches) throws IOException {
        Path second = folder.resolve("second");
        if (!same) {
            fill(second, batches, -1);
            return second;
        }
        try (Stream<Path> files = Files.walk(ledgerFolder())) {
            for (Path file : files.toList()) {
                Files.copy(file, second.resolve(ledgerFolder().relativize(file).toString()));
            }
        }
        return second;
    }

    FlusherProcess.Arguments arguments(Path ledgerFolder, java.net.URI endpoint, int last) {
        return new FlusherProcess.Arguments(
                ledgerFolder, folder.resolve("visible"), endpoint, contract.address(), operatorId, STREAM, last);
    }

    void show(long batches) {
        PacedBatches.show(folder.resolve("visible"), batches);
    }

    /// Batches at the latest block.
    long landed() {
        synchronized (anvil) {
            return contract.stream(operatorId, STREAM, BlockReference.LATEST).batches();
        }
    }

    /// Transactions of the operator's account on the canonical chain, those that set the arena up left out.
    long operatorTransactions() {
        return nonce() - transactionsBefore;
    }

    /// The account's next nonce.
    long nonce() {
        JsonRpc rpc = anvil.rpc();
        return rpc.longInteger(rpc.call("eth_getTransactionCount", key.address().toString(), "latest"));
    }

    /// What is wrong with the canonical chain: nothing, where each batch has one event, with the head that follows from
    /// the ledger and the root that the receipts of its file have, and the totals are the receipts'.
    List<String> violations(Ledger ledger, int batches) throws IOException {
        List<String> violations = new ArrayList<>();
        Map<Long, Integer> events = events();
        BigInteger gross = BigInteger.ZERO;
        BigInteger credits = BigInteger.ZERO;
        SealedBatches sealed = source(ledger).batches();
        Bytes32 head = Bytes32.ZERO;
        for (long number = 1; number <= batches; number++) {
            SealedBatch batch = ledger.batch(number).orElseThrow();
            List<Receipt> receipts = receipts(batch);
            Bytes32 root = MerkleTree.of(
                            receipts.stream().map(ReceiptCodec::leaf).toList())
                    .root();
            BatchHeader header = sealed.batch(number).orElseThrow();
            head = header.head(head);
            LedgerContract.Commit commit = contract.batch(operatorId, STREAM, number, BlockReference.LATEST);
            if (events.getOrDefault(number, 0) != 1) {
                violations.add("batch " + number + " has " + events.getOrDefault(number, 0) + " events");
            }
            if (!commit.root().equals(root)) {
                violations.add("batch " + number + " has root " + commit.root() + ", its receipts have " + root);
            }
            if (!commit.head().equals(head)) {
                violations.add("batch " + number + " has head " + commit.head() + ", expected " + head);
            }
            for (Receipt receipt : receipts) {
                BigInteger price = BigInteger.valueOf(receipt.price());
                if (receipt.kind() == ReceiptKind.CREDIT) {
                    credits = credits.add(price);
                } else {
                    gross = gross.add(price);
                }
            }
        }
        LedgerContract.StreamState state = contract.stream(operatorId, STREAM, BlockReference.LATEST);
        if (state.batches() != batches || events.size() != batches) {
            violations.add(state.batches() + " batches and events of " + events.keySet() + ", expected " + batches);
        }
        if (!state.gross().equals(gross) || !state.creditTotal().equals(credits)) {
            violations.add("totals " + state.gross() + " and " + state.creditTotal() + ", the receipts have " + gross
                    + " and " + credits);
        }
        return violations;
    }

    private Map<Long, Integer> events() {
        JsonRpc rpc = anvil.rpc();
        Map<Long, Integer> events = new HashMap<>();
        rpc.call(
                        "eth_getLogs",
                        Map.of(
                                "fromBlock",
                                "0x0",
                                "address",
                                contract.address().toString(),
                                "topics",
                                Arrays.asList(null, operatorId.toString(), STREAM.toString())))
                .forEach(log -> events.merge(rpc.longInteger(log.at("/topics/3")), 1, Integer::sum));
        return events;
    }

    private static List<Receipt> receipts(SealedBatch batch) throws IOException {
        List<Receipt> receipts = new ArrayList<>();
        try (BufferedReader lines = Files.newBufferedReader(batch.file())) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                receipts.add(SignedReceipt.fromJson(line.getBytes(java.nio.charset.StandardCharsets.UTF_8))
                        .receipt());
            }
        }
        return receipts;
    }

    @Override
    public void close() throws IOException {
        closed = true;
        try {
            miner.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        anvil.close();
    }
}
