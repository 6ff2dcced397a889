package org.openlora.benchmarks.anchoring;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.openlora.meter.chain.JsonRpc;

/// Plays a plan's disturbances in random order at random moments, and lets a batch come into sight after every so many
/// of them, so that there is always something to disturb.
final class Disturber {
    private static final int LONGEST_PAUSE_MILLIS = 250;
    /// Of a base fee that nothing affordable outbids at once.
    private static final String SPIKE_WEI = "0x45d964b800"; // 300 gwei

    private final Arena arena;
    private final Plan plan;
    private final FlusherHost host;
    private final Random random;

    Disturber(Arena arena, Plan plan, FlusherHost host, long seed) {
        this.arena = arena;
        this.plan = plan;
        this.host = host;
        this.random = new Random(seed);
    }

    void play() {
        List<Disturbance> program = new ArrayList<>();
        plan.disturbances().forEach((disturbance, times) -> program.addAll(Collections.nCopies(times, disturbance)));
        Collections.sort(program); // a map's order is not the seed's
        Collections.shuffle(program, random);
        for (int done = 0; done < program.size(); done++) {
            arena.show(1 + (long) done * (plan.batches() - 1) / program.size());
            Anvil.sleep(20 + random.nextInt(LONGEST_PAUSE_MILLIS));
            play(program.get(done));
        }
        arena.show(plan.batches());
    }

    private void play(Disturbance disturbance) {
        if (disturbance == Disturbance.KILL) {
            host.kill(random.nextInt(LONGEST_PAUSE_MILLIS));
            return;
        }
        Anvil anvil = arena.anvil();
        JsonRpc rpc = anvil.rpc();
        switch (disturbance) {
            case KILL -> {}
            case REORG -> {
                synchronized (anvil) {
                    rpc.call("anvil_reorg", 1 + random.nextInt(3), List.of());
                }
            }
            case REVERT -> {
                String snapshot;
                synchronized (anvil) {
                    snapshot = rpc.call("evm_snapshot").asText();
                }
                Anvil.sleep(50 + random.nextInt(LONGEST_PAUSE_MILLIS));
                synchronized (anvil) {
                    rpc.call("evm_revert", snapshot);
                }
            }
            case RESTART -> {
                synchronized (anvil) {
                    anvil.stop();
                    start(anvil);
                }
            }
            case NODE_KILL -> {
                synchronized (anvil) {
                    anvil.kill();
                    start(anvil);
                }
            }
            case THEFT -> foreignTransaction(0);
            case FUTURE_NONCE -> foreignTransaction(2);
            case DROP -> {
                synchronized (anvil) {
                    rpc.call("anvil_dropAllTransactions");
                }
            }
            case FEE_SPIKE -> {
                synchronized (anvil) {
                    rpc.call("anvil_setNextBlockBaseFeePerGas", SPIKE_WEI);
                }
            }
        }
    }

    private static void start(Anvil anvil) {
        try {
            anvil.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Sends from the operator's account, as somebody would who has its key too; dear enough to go first.
    private void foreignTransaction(int ahead) {
        Anvil anvil = arena.anvil();
        JsonRpc rpc = anvil.rpc();
        String account = arena.key().address().toString();
        synchronized (anvil) {
            rpc.call("anvil_dropAllTransactions");
            rpc.call("anvil_impersonateAccount", account);
            long nonce = arena.nonce() + ahead;
            rpc.call(
                    "eth_sendTransaction",
                    Map.of(
                            "from",
                            account,
                            "to",
                            account,
                            "nonce",
                            "0x" + Long.toHexString(nonce),
                            "gas",
                            "0x5208",
                            "maxFeePerGas",
                            "0xe8d4a51000",
                            "maxPriorityFeePerGas",
                            "0x174876e800"));
            rpc.call("evm_mine");
        }
    }
}
