package org.openlora.meter.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonRpcTest {
    @Test
    void call_nothingListens_oneLineUnreachableChain() throws IOException {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        JsonRpc rpc = new JsonRpc(URI.create("http://127.0.0.1:" + port), Duration.ofSeconds(2));
        assertThatThrownBy(() -> rpc.call("eth_chainId"))
                .isInstanceOf(ChainException.Unreachable.class)
                .hasMessage("unreachable chain http://127.0.0.1:" + port + ": connection refused");
    }

    @Test
    void call_listenerNeverAnswers_timesOut() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            JsonRpc rpc = new JsonRpc(URI.create("http://127.0.0.1:" + socket.getLocalPort()), Duration.ofMillis(200));
            assertThatThrownBy(() -> rpc.call("eth_chainId"))
                    .isInstanceOf(ChainException.Unreachable.class)
                    .hasMessageEndingWith("timed out");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "<html>busy</html>",
                "{\"jsonrpc\":\"2.0\",\"id\":1",
                "{\"id\":1}",
                "{\"id\":2,\"result\":\"0x1\"}",
                "[]",
                "null",
                "{\"result\":\"0x1\"}",
                "{\"id\":\"1\",\"result\":\"0x1\"}"
            })
    void call_answerIsNoAnswer_unreachable(String answer) {
        JsonRpc rpc = new JsonRpc("test", _ -> answer);
        assertThatThrownBy(() -> rpc.call("eth_chainId"))
                .isInstanceOf(ChainException.Unreachable.class)
                .hasMessageStartingWith("unreachable chain test: ")
                .message()
                .doesNotContain("\n");
    }

    @Test
    void call_nodeAnswersError_refusedWithCodeAndRevertData() {
        JsonRpc rpc = new JsonRpc(
                "test",
                _ -> "{\"id\":1,\"error\":{\"code\":3,\"message\":\"execution\\nreverted\",\"data\":\"0xabcd\"}}");
        assertThatThrownBy(() -> rpc.call("eth_call")).isInstanceOfSatisfying(ChainException.Refused.class, refused -> {
            assertThat(refused.code()).isEqualTo(3);
            assertThat(refused.revertData()).isEqualTo("0xabcd");
            assertThat(refused).hasMessage("eth_call refused by test: execution reverted");
        });
    }

    @Test
    void batch_answersInAnyOrder_matchedById() {
        JsonRpc rpc = new JsonRpc(
                "test", _ -> "[{\"id\":2,\"error\":{\"code\":-1,\"message\":\"no\"}},{\"id\":1,\"result\":\"0x5\"}]");
        List<JsonRpc.Answer> answers =
                rpc.batch(List.of(new JsonRpc.Call("eth_chainId"), new JsonRpc.Call("eth_call")));
        assertThat(answers.get(0)).isInstanceOfSatisfying(JsonRpc.Answer.Success.class, success -> assertThat(
                        success.value().asText())
                .isEqualTo("0x5"));
        assertThat(answers.get(1)).isInstanceOf(JsonRpc.Answer.Failure.class);
    }

    @Test
    void call_severalEndpoints_asksTheNextOneAndThenPrefersIt() {
        List<String> asked = new ArrayList<>();
        RpcEndpoint failing = endpoint("first", asked, "{\"id\":7,\"result\":\"0x1\"}"); // another's id
        RpcEndpoint busy = endpoint("second", asked, "{\"id\":1,\"error\":{\"code\":-32005,\"message\":\"limit\"}}");
        RpcEndpoint good = new RpcEndpoint("third", body -> {
            asked.add("third");
            return "{\"id\":" + body.replaceAll(".*\"id\":(\\d+).*", "$1") + ",\"result\":\"0x5\"}";
        });
        JsonRpc rpc = new JsonRpc(List.of(failing, busy, good));
        assertThat(rpc.longInteger(rpc.call("eth_chainId"))).isEqualTo(5);
        assertThat(rpc.endpoint()).isEqualTo("third");
        assertThat(rpc.longInteger(rpc.call("eth_chainId"))).isEqualTo(5);
        assertThat(asked).containsExactly("first", "second", "third", "third"); // the others rest
    }

    @Test
    void call_theContractReverts_noOtherEndpointIsAsked() {
        List<String> asked = new ArrayList<>();
        JsonRpc rpc = new JsonRpc(List.of(
                endpoint("first", asked, "{\"id\":1,\"error\":{\"code\":3,\"message\":\"reverted\"}}"),
                endpoint("second", asked, "{\"id\":1,\"result\":\"0x1\"}")));
        assertThatThrownBy(() -> rpc.call("eth_call")).isInstanceOf(ChainException.Refused.class);
        assertThat(asked).containsExactly("first");
    }

    @Test
    void call_answerStopsHalfway_timesOut() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            Thread.ofVirtual().start(() -> {
                try (var client = socket.accept()) {
                    client.getOutputStream()
                            .write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
                                    .getBytes(StandardCharsets.US_ASCII));
                    client.getInputStream().transferTo(OutputStream.nullOutputStream());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            });
            JsonRpc rpc = new JsonRpc(URI.create("http://127.0.0.1:" + socket.getLocalPort()), Duration.ofMillis(300));
            assertThatThrownBy(() -> rpc.call("eth_chainId"))
                    .isInstanceOf(ChainException.Unreachable.class)
                    .hasMessageEndingWith("timed out");
        }
    }

    private static RpcEndpoint endpoint(String name, List<String> asked, String answer) {
        return new RpcEndpoint(name, _ -> {
            asked.add(name);
            return answer;
        });
    }

    @Test
    void integer_answerIsNoQuantity_unreachable() {
        JsonRpc rpc = new JsonRpc("test", _ -> "{\"id\":1,\"result\":\"lots\"}");
        assertThatThrownBy(() -> rpc.longInteger(rpc.call("eth_chainId")))
                .isInstanceOf(ChainException.Unreachable.class)
                .hasMessageContaining("\"lots\" where a quantity belongs");
    }
}
