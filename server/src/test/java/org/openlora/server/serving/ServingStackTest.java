package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.Digest;
import org.openlora.engine.EngineException;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptCodec;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.server.catalog.ResolvedModel;
import org.openlora.server.config.ConfigLoader;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;

/// The whole stack below the network, on the bundled model.
class ServingStackTest {
    private static final Path ROOT = Path.of(System.getProperty("openlora.root"));
    private static final PromptInput PROMPT =
            new PromptInput.Chat(List.of(new PromptInput.Turn("user", "Give me one piece of advice.")));
    private static final int MAX_TOKENS = 48;
    /// Requests of one batch overlap unless the machine stops this thread at a bad moment.
    private static final int ATTEMPTS = 5;

    @TempDir
    Path home;

    @Test
    void submit_mixedBatch_answersEachAsAlone() {
        try (ServingStack stack = open()) {
            List<AdapterChoice[]> kinds = everyKind(stack);
            List<Generating.Whole> alone = kinds.stream()
                    .map(adapters -> generate(stack, adapters).whole())
                    .toList();

            boolean overlapped = false;
            for (int attempt = 0; attempt < ATTEMPTS && !overlapped; attempt++) {
                List<Generating.Whole> mixed = together(stack, kinds);
                assertThat(mixed)
                        .extracting(Generating.Whole::text)
                        .isEqualTo(alone.stream().map(Generating.Whole::text).toList());
                assertThat(mixed)
                        .extracting(Generating.Whole::tokens)
                        .isEqualTo(alone.stream().map(Generating.Whole::tokens).toList());
                overlapped = allBeganBeforeAnyEnded(mixed);
            }

            assertThat(overlapped).as("all requests ran at once").isTrue();
            assertThat(alone)
                    .extracting(Generating.Whole::text)
                    .as("each adapter shows")
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void receipts_mixedBatch_holdWhatWasStreamedAndPayItOut() {
        try (ServingStack stack = open()) {
            List<Generating.Whole> answers = together(stack, everyKind(stack));
            stack.meter().drain(Duration.ofMinutes(2));

            for (Generating.Whole answer : answers) {
                assertThat(stack.meter().queries().receiptsOf(answer.requestId()))
                        .singleElement()
                        .satisfies(signed -> assertHolds(answer, signed.receipt()));
            }
            assertLinkedAndSigned(stack, answers.size());
        }
    }

    private static void assertHolds(Generating.Whole answer, Receipt receipt) {
        int streamed = answer.tokens().size();
        assertThat(streamed).isPositive();
        assertThat(answer.finished().usage().generatedTokens()).isEqualTo(streamed);
        assertThat(IntStream.of(answer.finished().usage().outputTokens()).boxed())
                .isEqualTo(answer.tokens());
        assertThat(answer.finished().acknowledgement().acknowledgement().generatedTokens())
                .isEqualTo(streamed);
        assertThat(receipt.generatedTokens()).isEqualTo(streamed);
        assertThat(receipt.price()).isPositive();
        assertThat(receipt.payments().stream().mapToLong(Payment::amount).sum()).isEqualTo(receipt.price());
    }

    private static void assertLinkedAndSigned(ServingStack stack, int count) {
        List<SignedReceipt> receipts = stack.meter().queries().receipts(1, 1000);
        assertThat(receipts).hasSize(count);
        Bytes32 previous = Bytes32.ZERO;
        for (int i = 0; i < count; i++) {
            SignedReceipt signed = receipts.get(i);
            assertThat(signed.receipt().seq()).isEqualTo(i + 1);
            assertThat(signed.receipt().prevReceipt()).isEqualTo(previous);
            assertThat(signed.isSignedBy(stack.operator().key().address())).isTrue();
            previous = ReceiptCodec.structHash(signed.receipt());
        }
    }

    @Test
    void submit_whatCannotBeServed_isRefusedInOneLine() {
        try (ServingStack stack = open()) {
            Digest unknown = Digest.sha256(new byte[] {7});
            int beyond = stack.model().contextLength() + 1;

            assertRefused(
                    stack, new AdapterChoice.ByName("absent", 1_000_000), AdapterException.Code.NOT_FOUND, "absent");
            assertRefused(
                    stack,
                    new AdapterChoice.ByDigest(unknown, 1_000_000),
                    AdapterException.Code.NOT_FOUND,
                    unknown.toString());
            PromptInput tooLong = new PromptInput.Tokens(
                    IntStream.range(0, beyond).mapToObj(_ -> 5).toList());
            assertThatThrownBy(() -> Generating.start(stack, Generating.call(null, tooLong, 1)))
                    .asInstanceOf(InstanceOfAssertFactories.type(EngineException.class))
                    .satisfies(e -> {
                        assertThat(e.code()).isEqualTo(EngineException.Code.INVALID_REQUEST);
                        assertThat(e.getMessage())
                                .contains(Integer.toString(beyond))
                                .doesNotContain("\n");
                    });
            assertThat(stack.meter().queries().lastSeq()).isZero();
        }
    }

    @Test
    void adapters_malformedFolders_areListedAndRefusedInOneLine() throws IOException {
        Path adapters = home.resolve("folders");
        Path pickle = copy("stargazer", adapters.resolve("pickle"));
        Files.move(pickle.resolve("adapter_model.safetensors"), pickle.resolve("adapter_model.bin"));
        edit(copy("stargazer", adapters.resolve("shapes")).resolve("adapter_config.json"), "\"r\": 8", "\"r\": 4");
        edit(
                copy("stargazer", adapters.resolve("other-base")).resolve("adapter.yaml"),
                "sha256:a77fe008",
                "sha256:b88fe008");
        copy("stargazer", adapters.resolve("sound"));

        try (ServingStack stack = open(config().withAdapterRoot(adapters.toString()))) {
            assertThat(stack.adapters(Generating.TENANT))
                    .filteredOn(ServedAdapter.Ready.class::isInstance)
                    .extracting(ServedAdapter::name)
                    .containsExactly("sound");
            assertBroken(stack, "pickle", "adapter_model.bin is a pickle file");
            assertBroken(stack, "shapes", "lora_A");
            assertBroken(stack, "other-base", "sha256:b88fe008");
            assertThat(generate(stack, new AdapterChoice.ByName("sound", 1_000_000))
                            .whole()
                            .text())
                    .isNotEmpty();
        }
    }

    @Test
    void adapters_foldersThatComeChangeAndGo_areFollowedWhileServing() throws Exception {
        Path adapters = Files.createDirectories(home.resolve("folders"));
        AdapterChoice named = new AdapterChoice.ByName("guest", 1_000_000);
        try (ServingStack stack = open(config().withAdapterRoot(adapters.toString()))) {
            assertRefused(stack, named, AdapterException.Code.NOT_FOUND, "guest");
            Files.move(copy("stargazer", home.resolve("one")), adapters.resolve("guest"));
            awaitListed(stack, List.of("guest"));
            Digest first = ready(stack).digest();
            String answer = generate(stack, named).whole().text();
            Generating running = generate(stack, named);

            Files.move(adapters.resolve("guest"), home.resolve("old"));
            awaitListed(stack, List.of());
            assertRefused(stack, named, AdapterException.Code.NOT_FOUND, "guest");
            assertRefused(
                    stack,
                    new AdapterChoice.ByDigest(first, 1_000_000),
                    AdapterException.Code.NOT_FOUND,
                    first.toString());
            assertThat(running.whole().text()).as("goes on").isEqualTo(answer);

            Files.move(copy("moon-gardener", home.resolve("two")), adapters.resolve("guest"));
            awaitListed(stack, List.of("guest"));
            assertThat(ready(stack).digest()).isNotEqualTo(first);
            assertThat(generate(stack, named).whole().text()).isNotEqualTo(answer);
        }
    }

    private static ServedAdapter.Ready ready(ServingStack stack) {
        return (ServedAdapter.Ready) stack.adapters(Generating.TENANT).getFirst();
    }

    /// Waits until exactly these are listed.
    private static void awaitListed(ServingStack stack, List<String> names) throws InterruptedException {
        for (long patience = 3_000; patience > 0; patience--) {
            if (stack.adapters(Generating.TENANT).stream()
                    .map(ServedAdapter::name)
                    .toList()
                    .equals(names)) {
                return;
            }
            Thread.sleep(20);
        }
        assertThat(stack.adapters(Generating.TENANT))
                .extracting(ServedAdapter::name)
                .isEqualTo(names);
    }

    @Test
    void submit_requestIdUsedBefore_isRefusedAndBilledOnce() {
        try (ServingStack stack = open()) {
            GenerationCall call = Generating.call("mine", PROMPT, MAX_TOKENS);
            Generating first = Generating.start(stack, call);

            assertThatThrownBy(() -> Generating.start(stack, call))
                    .as("while it runs")
                    .isInstanceOf(RequestExistsException.class)
                    .hasMessageContaining("mine");
            first.whole();
            assertThatThrownBy(() -> Generating.start(stack, call))
                    .as("when it has ended")
                    .isInstanceOf(RequestExistsException.class);
            stack.meter().drain(Duration.ofMinutes(2));
            assertThat(stack.meter().queries().lastSeq()).isEqualTo(1);
        }
        try (ServingStack stack = open()) {
            assertThatThrownBy(() -> Generating.start(stack, Generating.call("mine", PROMPT, MAX_TOKENS)))
                    .as("after a restart")
                    .isInstanceOf(RequestExistsException.class);
        }
    }

    @Test
    void open_again_continuesTheSequence() {
        Bytes32 lastOfFirst;
        try (ServingStack stack = open()) {
            generate(stack).whole();
            generate(stack).whole();
            stack.meter().drain(Duration.ofMinutes(2));
            lastOfFirst = ReceiptCodec.structHash(
                    stack.meter().queries().receipt(2).orElseThrow().receipt());
        }
        try (ServingStack stack = open()) {
            generate(stack).whole();
            stack.meter().drain(Duration.ofMinutes(2));

            assertThat(stack.meter().queries().receipt(3)).get().satisfies(signed -> assertThat(
                            signed.receipt().prevReceipt())
                    .isEqualTo(lastOfFirst));
            assertLinkedAndSigned(stack, 3);
        }
    }

    @Test
    void open_ledgerInUse_isOneLine() {
        try (ServingStack _ = open()) {
            assertThatThrownBy(this::open)
                    .isInstanceOf(Problem.class)
                    .message()
                    .contains("OPENLORA_HOME")
                    .doesNotContain("\n");
        }
    }

    private static void assertBroken(ServingStack stack, String name, String reason) {
        assertThat(stack.adapters(Generating.TENANT))
                .filteredOn(adapter -> adapter.name().equals(name))
                .singleElement()
                .asInstanceOf(InstanceOfAssertFactories.type(ServedAdapter.Failed.class))
                .satisfies(
                        failed -> assertThat(failed.reason()).contains(reason).doesNotContain("\n"));
        assertThatThrownBy(() -> generate(stack, new AdapterChoice.ByName(name, 1_000_000)))
                .isInstanceOf(AdapterException.class)
                .message()
                .contains(reason)
                .doesNotContain("\n");
    }

    private static void assertRefused(
            ServingStack stack, AdapterChoice adapter, AdapterException.Code code, String named) {
        assertThatThrownBy(() -> generate(stack, adapter))
                .asInstanceOf(InstanceOfAssertFactories.type(AdapterException.class))
                .satisfies(e -> {
                    assertThat(e.code()).isEqualTo(code);
                    assertThat(e.getMessage()).contains(named).doesNotContain("\n");
                });
    }

    /// The bare base, and each adapter that is served.
    private static List<AdapterChoice[]> everyKind(ServingStack stack) {
        List<AdapterChoice[]> kinds = new ArrayList<>();
        kinds.add(new AdapterChoice[0]);
        for (ServedAdapter adapter : stack.adapters(Generating.TENANT)) {
            assertThat(adapter).isInstanceOf(ServedAdapter.Ready.class);
            kinds.add(new AdapterChoice[] {new AdapterChoice.ByName(adapter.name(), 1_000_000)});
        }
        assertThat(kinds).hasSizeGreaterThan(4);
        return kinds;
    }

    private static List<Generating.Whole> together(ServingStack stack, List<AdapterChoice[]> kinds) {
        List<Generating> running =
                kinds.stream().map(adapters -> generate(stack, adapters)).toList();
        return running.stream().map(Generating::whole).toList();
    }

    private static boolean allBeganBeforeAnyEnded(List<Generating.Whole> answers) {
        long lastBegin =
                answers.stream().mapToLong(Generating.Whole::firstTokenAt).max().orElseThrow();
        long firstEnd =
                answers.stream().mapToLong(Generating.Whole::finishedAt).min().orElseThrow();
        return lastBegin < firstEnd;
    }

    private static Generating generate(ServingStack stack, AdapterChoice... adapters) {
        return Generating.start(stack, Generating.call(null, PROMPT, MAX_TOKENS, adapters));
    }

    private ServingStack open() {
        return open(config());
    }

    private ServingStack open(ServerConfig config) {
        ResolvedModel model = new ResolvedModel(
                "openlora-tiny",
                ROOT.resolve("models/openlora-tiny"),
                ROOT.resolve("examples/adapters"),
                ROOT.resolve("examples/datanets"),
                "");
        return ServingStack.open(config, installation(), model, Map.of());
    }

    private ServerConfig config() {
        return ConfigLoader.load(installation(), null);
    }

    private Installation installation() {
        return new Installation(ROOT, home);
    }

    private static Path copy(String adapter, Path to) {
        Path from = ROOT.resolve("examples/adapters").resolve(adapter);
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
            return to;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void edit(Path file, String before, String after) throws IOException {
        String text = Files.readString(file);
        assertThat(text).contains(before);
        Files.writeString(file, text.replace(before, after));
    }
}
