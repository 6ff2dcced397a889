package org.openlora.server.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.openlora.meter.evm.Bytes32;
import org.openlora.server.problem.Problem;
import org.openlora.server.trace.HtmlTrace;
import org.openlora.server.trace.TerminalTrace;
import org.openlora.server.trace.Trace;
import org.openlora.server.trace.Traces;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `openlora trace`: shows an answer with each passage in the colour of whose text it is.
@Command(
        name = "trace",
        description =
                "Shows whose text an answer is and who is paid for it, by its receipt. The ledger keeps no text: give"
                        + " it with --text, and its salted hash is compared with the receipt's.")
final class TraceCommand implements Callable<Integer> {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .defaultPropertyInclusion(
                    JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, JsonInclude.Include.NON_NULL))
            .build();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private ServerOptions options = new ServerOptions();

    @Parameters(paramLabel = "REQUEST-ID", description = "The id of the request.")
    private String requestId = "";

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "The answer: what openlora generate --json or the HTTP API wrote, or its text.")
    private @Nullable Path text;

    @Option(
            names = "--salt",
            paramLabel = "HEX",
            description = "The request's salt, as the caller got it; the ledger's own without.")
    private @Nullable String salt;

    @Option(names = "--html", paramLabel = "FILE", description = "Writes a page that needs nothing else.")
    private @Nullable Path html;

    @Option(names = "--json", description = "Writes the trace as JSON to standard output.")
    private boolean json;

    @Override
    public Integer call() {
        Trace trace;
        try (Traces traces = Traces.open(
                options.load(Environment.installation()), Environment.installation(), Environment.variables())) {
            trace = traces.of(requestId, text, salt == null ? null : salt(salt));
        }
        if (html != null) {
            write(html, HtmlTrace.page(trace));
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(toJson(trace));
        } else {
            new TerminalTrace(out, Environment.outputColumns() > 0).write(trace);
        }
        return ExitStatus.OK;
    }

    private Bytes32 salt(String hex) {
        try {
            return Bytes32.parse(hex);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(), "--salt is %s: write 0x and 64 hexadecimal digits".formatted(hex), e);
        }
    }

    private static void write(Path file, String page) {
        try {
            Files.writeString(file, page);
        } catch (IOException e) {
            throw new Problem("%s cannot be written: %s".formatted(file, Problem.describe(e)), "name another file", e);
        }
    }

    private static String toJson(Trace trace) {
        try {
            return JSON.writeValueAsString(trace);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a trace cannot be written as JSON", e);
        }
    }
}
