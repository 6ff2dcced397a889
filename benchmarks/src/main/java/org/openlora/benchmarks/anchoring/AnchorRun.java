package org.openlora.benchmarks.anchoring;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.chain.FlushPolicy;
import org.openlora.meter.chain.FlusherMonitor;
import org.openlora.meter.chain.JsonRpc;
import org.openlora.meter.chain.LedgerContract;
import org.openlora.meter.chain.LedgerDeployer;
import org.openlora.meter.chain.LedgerFlusher;
import org.openlora.meter.chain.LocalChain;
import org.openlora.meter.chain.OperatorIds;
import org.openlora.meter.chain.TransactionSender;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.lease.DatabaseLease;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.ledger.LedgerIdentity;
import org.openlora.meter.ledger.LedgerLocation;
import org.openlora.meter.ledger.SealedBatch;
import org.openlora.meter.merkle.MerkleProof;
import org.openlora.meter.receipt.Eip712Domain;
import org.openlora.meter.receipt.OperatorKey;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.problem.Problem;

/// Receipts made, sealed and anchored, and one of them verified: by the contract, and by a JavaScript program that has
/// nothing of ours.
public final class AnchorRun {
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int PROGRESS = 10_000;

    private final Path root;
    private final Path folder;
    private final PrintWriter out;
    private final List<Step> steps = new ArrayList<>();

    /// One step and what it took.
    public record Step(String name, double seconds) {}

    /// How it went.
    ///
    /// @param gas of the transaction that carried the last batch
    /// @param batchBytes size of the last batch's file
    /// @param proofMillis time to prove one receipt with nothing in memory
    /// @param script what the JavaScript program said; null where there is no Node.js
    /// @param heapLimitBytes what all of it had to do with
    public record Result(
            int receipts,
            int batches,
            List<Step> steps,
            long gas,
            long batchBytes,
            double proofMillis,
            int proofWords,
            boolean contractVerifies,
            boolean contractRefusesAnother,
            @Nullable String script,
            long heapLimitBytes) {
        public Result {
            steps = List.copyOf(steps);
        }
    }

    /// @param root of the installation, where `examples/verify` stands
    /// @param folder for the ledger and the chain
    public AnchorRun(Path root, Path folder, PrintWriter out) {
        this.root = root;
        this.folder = folder;
        this.out = out;
    }

    private interface Work<T> {
        T run() throws IOException;
    }

    private <T> T timed(String name, Work<T> work) throws IOException {
        long begun = System.nanoTime();
        T result = work.run();
        double seconds = Math.round((System.nanoTime() - begun) / 1e7) / 100.0;
        steps.add(new Step(name, seconds));
        out.printf(Locale.ROOT, "%-44s %8.2f s%n", name, seconds);
        return result;
    }

    /// @throws Problem where there is no chain
    public Result run(int receipts) throws IOException {
        OperatorKey key = OperatorKey.ofHex(Keccak256.hash("anchor run").toString());
        Optional<LocalChain> started = LocalChain.start(folder.resolve("chain"), System.getenv(), System.err::println);
        if (started.isEmpty()) {
            throw new Problem("receipts are anchored on a chain, and none could be started", "install Node.js 20");
        }
        try (LocalChain chain = started.get()) {
            chain.fund(key.address());
            LedgerDeployer deployer = new LedgerDeployer(chain.rpc(), new TransactionSender(chain.rpc(), key, LIMIT));
            LedgerContract contract = timed("contract deployed, operator registered", () -> {
                LedgerContract deployed = deployer.deploy(key.address());
                var _ = deployer.register(deployed, Bytes32.ZERO, key.address(), key.address());
                return deployed;
            });
            LedgerIdentity identity = new LedgerIdentity(
                    Keccak256.hash("anchor run"),
                    OperatorIds.of(key.address(), Bytes32.ZERO),
                    Eip712Domain.ledger(LocalChain.CHAIN_ID, contract.address()),
                    key);
            try (Ledger ledger = Ledger.open(LedgerLocation.of(folder.resolve("ledger")), identity)) {
                return run(receipts, chain, contract, identity, ledger);
            }
        }
    }

    private Result run(int receipts, LocalChain chain, LedgerContract contract, LedgerIdentity identity, Ledger ledger)
            throws IOException {
        timed("%,d receipts made, signed and linked".formatted(receipts), () -> {
            new SyntheticReceipts(identity, 1).add(ledger, receipts, done -> {
                if (done % PROGRESS == 0) {
                    out.printf("  %,d%n", done);
                    out.flush();
                }
            });
            return receipts;
        });
        List<Long> numbers = timed("sealed", () -> {
            List<Long> sealed = new ArrayList<>();
            for (var batch = ledger.seal(System.currentTimeMillis());
                    batch.isPresent();
                    batch = ledger.seal(System.currentTimeMillis())) {
                sealed.add(batch.get().header().number());
            }
            return sealed;
        });
        long last = numbers.getLast();
        timed("anchored", () -> {
            try (DatabaseLease lease = ledger.flushLease("anchor run", LIMIT)) {
                new LedgerFlusher(
                                contract,
                                (OperatorKey) identity.signer(),
                                () -> ledger.flushSources(lease.fence()),
                                FlushPolicy.DEFAULT,
                                Clock.systemUTC(),
                                new FlusherMonitor(),
                                lease)
                        .flushAll(LIMIT);
            }
            return last;
        });
        return verified(receipts, chain, contract, identity, ledger, numbers);
    }

    private Result verified(
            int receipts,
            LocalChain chain,
            LedgerContract contract,
            LedgerIdentity identity,
            Ledger ledger,
            List<Long> numbers)
            throws IOException {
        SealedBatch batch = ledger.batch(numbers.getLast()).orElseThrow();
        long seq = (batch.header().firstSeq() + batch.header().lastSeq()) / 2;
        SignedReceipt signed = ledger.queries().receipt(seq).orElseThrow();
        SignedReceipt another = ledger.queries()
                .receipt(seq == batch.header().firstSeq() ? batch.header().lastSeq() : seq - 1)
                .orElseThrow();
        long begun = System.nanoTime();
        MerkleProof proof = timed("one receipt proven", () -> batch.proof(seq));
        double proofMillis = Math.round((System.nanoTime() - begun) / 1e5) / 10.0;
        long number = batch.header().number();
        Bytes32 id = identity.operatorId();
        boolean verifies = timed(
                "verified by the contract",
                () -> contract.verifyReceipt(id, identity.stream(), number, signed.receipt(), proof)
                        && contract.verifySignedReceipt(id, signed));
        boolean refuses = batch.header().count() == 1
                || !contract.verifyReceipt(id, identity.stream(), number, another.receipt(), proof);
        Optional<String> script = timed("verified by JavaScript", () -> script(chain, identity, batch, signed));
        script.ifPresent(said -> said.lines().forEach(line -> out.println("  " + line)));
        return new Result(
                receipts,
                numbers.size(),
                steps,
                gas(chain, ledger, number),
                Files.size(batch.file()),
                proofMillis,
                proof.siblings().size(),
                verifies,
                refuses,
                script.orElse(null),
                Runtime.getRuntime().maxMemory());
    }

    private static long gas(LocalChain chain, Ledger ledger, long number) {
        JsonRpc rpc = chain.rpc();
        JsonNode receipt = rpc.call(
                "eth_getTransactionReceipt",
                ledger.journal().landedTransaction(number).orElseThrow().toString());
        return rpc.longInteger(receipt.path("gasUsed"));
    }

    /// Runs `examples/verify` with the published batch file.
    ///
    /// @return what it printed; empty where it is not there or Node.js is not
    private Optional<String> script(LocalChain chain, LedgerIdentity identity, SealedBatch batch, SignedReceipt signed)
            throws IOException {
        Path source = root.resolve("examples").resolve("verify");
        if (Files.notExists(source.resolve("verify.mjs"))) {
            out.println("  left out: there is no " + source.resolve("verify.mjs"));
            return Optional.empty();
        }
        Path tools = Files.createDirectories(folder.resolve("verify"));
        for (String name : List.of("verify.mjs", "package.json", "package-lock.json")) {
            Files.copy(source.resolve(name), tools.resolve(name));
        }
        Path receipt = Files.write(folder.resolve("receipt.json"), signed.toJson());
        Optional<String> installed =
                command(tools, List.of("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"));
        if (installed.isEmpty()) {
            out.println("  left out: npm cannot be run, or brings no packages");
            return Optional.empty();
        }
        Optional<String> said = command(
                        tools,
                        List.of(
                                "node",
                                "verify.mjs",
                                receipt.toString(),
                                batch.file().toString(),
                                "--rpc",
                                chain.endpoint().toString(),
                                "--signer",
                                identity.signer().address().toString()));
        if (said.isEmpty()) {
            throw new Problem("verify.mjs does not accept the receipt", "see " + folder);
        }
        return said;
    }

    /// @return what a command printed; empty where it failed or cannot be run
    private static Optional<String> command(Path folder, List<String> command) throws IOException {
        Path log = Files.createTempFile(folder, "command", ".log");
        Process process;
        try {
            process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        } catch (IOException e) {
            return Optional.empty(); // the program is not there
        }
        try {
            if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return Optional.empty();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new Problem("interrupted", "start again", e);
        }
        return process.exitValue() == 0 ? Optional.of(Files.readString(log)) : Optional.empty();
    }
}
