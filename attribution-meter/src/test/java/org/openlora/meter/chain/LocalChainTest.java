package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.OperatorKey;

class LocalChainTest {
    @TempDir
    Path folder;

    private final List<String> reports = new ArrayList<>();

    @Test
    void start_afterStop_rememberedWhatItHeld() throws Exception {
        Map<String, String> environment = withAnvil();
        OperatorKey key = OperatorKey.ofHex("55".repeat(32));
        Bytes32 codeHash;
        try (LocalChain chain = start(environment).orElseThrow()) {
            chain.fund(key.address());
            TransactionSender sender = new TransactionSender(chain.rpc(), key, Duration.ofSeconds(20));
            codeHash = new LedgerDeployer(chain.rpc(), sender)
                    .deploy(key.address())
                    .codeHash();
            try (LocalChain joined = start(environment).orElseThrow()) {
                assertThat(joined.endpoint()).isEqualTo(chain.endpoint());
            }
            assertThat(chain.rpc().call("eth_chainId").asText())
                    .isEqualTo("0x7a69"); // joining and leaving left it alone
        }
        assertThat(folder.resolve("anvil-state.json")).isNotEmptyFile();
        try (LocalChain chain = start(environment).orElseThrow()) {
            LedgerContract ledger = new LedgerContract(chain.rpc(), LedgerDeployer.addressFor(key.address()));
            assertThat(ledger.codeHash()).isEqualTo(codeHash);
        }
        assertThat(reports).isEmpty();
    }

    @Test
    void start_neitherAnvilNorNode_emptyWithTheReason() {
        assertThat(start(Map.of("PATH", folder.toString()))).isEmpty();
        assertThat(reports)
                .singleElement()
                .asString()
                .startsWith("no local chain: ")
                .contains("Node.js", "OPENLORA_ANVIL");
    }

    @Test
    void start_npmFails_emptyWithTheReason() throws Exception {
        for (String program : new String[] {"npm", "node"}) {
            Path script = Files.writeString(folder.resolve(program), "#!/bin/sh\necho no network; exit 7\n");
            assertThat(script.toFile().setExecutable(true)).isTrue();
        }
        assertThat(start(Map.of("PATH", folder.toString()))).isEmpty();
        assertThat(reports).hasSize(2).last().asString().contains("npm ended with status 7");
        assertThat(folder.resolve("npm.log")).hasContent("no network");
    }

    @Test
    void start_anvilThatEndsAtOnce_saysWhatItSaid() throws Exception {
        Path script = Files.writeString(folder.resolve("fake-anvil"), "#!/bin/sh\necho wrong flag; exit 2\n");
        assertThat(script.toFile().setExecutable(true)).isTrue();
        assertThatThrownBy(() -> start(Map.of(AnvilBinary.ENVIRONMENT, script.toString())))
                .hasMessageContaining("cannot start the local chain")
                .hasRootCauseMessage("anvil ended with status 2: wrong flag");
        assertThatThrownBy(() -> start(
                        Map.of(AnvilBinary.ENVIRONMENT, folder.resolve("absent").toString())))
                .hasRootCauseMessage(
                        "OPENLORA_ANVIL names " + folder.resolve("absent") + ", which is not an executable file");
    }

    private Optional<LocalChain> start(Map<String, String> environment) {
        return LocalChain.start(folder, environment, reports::add);
    }

    /// The anvil that the other tests use, so that it is installed once.
    private static Map<String, String> withAnvil() throws IOException {
        TestChain.require();
        Path anvil = AnvilBinary.find(TestChain.TARGET.resolve("test-chain"), System.getenv(), System.out::println)
                .orElseThrow();
        return Map.of(AnvilBinary.ENVIRONMENT, anvil.toAbsolutePath().toString());
    }
}
