package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.evm.Keccak256;
import org.openlora.meter.payout.PayoutEntry;
import org.openlora.meter.payout.PayoutRound;
import org.openlora.meter.payout.SettlementToken;

/// The money contracts by the tools of others: their Solidity tests by forge, payout trees by OpenZeppelin's library.
/// Skipped without Node.js and npm.
class ContractToolsTest {
    @TempDir
    Path folder;

    @BeforeEach
    void requireNode() {
        NodeTools.require();
    }

    @Test
    void solidityTests_unitFuzzAndInvariants_pass() throws Exception {
        if (!NodeTools.hasForge()) {
            System.out.println("skipped: npm brought no forge for this platform");
        }
        assumeTrue(NodeTools.hasForge(), "skipped: npm brought no forge for this platform");
        NodeTools.Outcome outcome = NodeTools.node("test.mjs");
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output())
                .contains("invariant_poolsHold()")
                .contains("invariant_channelsHold()")
                .containsPattern("[5-9][0-9] tests passed, 0 failed, 0 skipped");
    }

    @Test
    void payoutRound_ofJava_hasTheRootThatOpenZeppelinBuilds() throws Exception {
        SettlementToken token = new SettlementToken(new Address(1, 2, 3), "USDC", 6);
        List<PayoutEntry> entries = new ArrayList<>();
        for (int i = 0; i < 37; i++) {
            BigInteger units = BigInteger.valueOf(i).pow(9);
            entries.add(new PayoutEntry(
                    new Address(0, 0, i + 1), units, token.picoOf(units).add(BigInteger.valueOf(i))));
        }
        PayoutRound round =
                new PayoutRound(Keccak256.hash("pool"), 3, token, Bytes32.ZERO, List.of(), entries, List.of());
        Path json = Files.write(folder.resolve("round.json"), round.toJson());
        Path tree = Files.writeString(folder.resolve("tree.json"), round.treeDump());
        NodeTools.Outcome outcome = NodeTools.node("check-payouts.mjs", json.toString(), tree.toString());
        assertThat(outcome.output())
                .isEqualTo(round.dataHash() + " " + round.tree().root() + " 36\n");
        assertThat(outcome.status()).isZero();
    }
}
