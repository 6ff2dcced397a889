package org.openlora.engine.chat;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.adapters.DigestBuilder;
import org.openlora.adapters.OneLine;
import org.openlora.engine.weights.ModelLoadException;

/// A model's chat template: Jinja, run with the block trimming and the extra functions of Transformers
/// (`apply_chat_template`), in a sandbox that bounds its output, loops and calls. Safe for use by several
/// threads.
public final class ChatTemplate {
    private static final int MAX_TEMPLATE_CHARACTERS = 1 << 20;
    private static final int MAX_OUTPUT_BYTES = 64 << 20;
    private static final int MAX_ITEMS = 1 << 16;

    private final String source;
    private final String program;
    private final Map<String, String> specialTokens;
    private final Clock clock;
    private final Jinjava jinjava;

    /// @param specialTokens variables such as `bos_token` and `eos_token`
    /// @param clock what `strftime_now` reads
    /// @throws ModelLoadException if the template is too long or uses an unknown filter
    public ChatTemplate(String source, Map<String, String> specialTokens, Clock clock) {
        if (source.length() > MAX_TEMPLATE_CHARACTERS) {
            throw new ModelLoadException("the chat template has %d characters; at most %d are read"
                    .formatted(source.length(), MAX_TEMPLATE_CHARACTERS));
        }
        this.source = source;
        this.program = TemplateSource.forJinjava(source);
        this.specialTokens = Map.copyOf(specialTokens);
        this.clock = clock;
        this.jinjava = new Jinjava(configuration());
        TemplateFunctions.all().forEach(jinjava.getGlobalContext()::registerFunction);
        jinjava.getGlobalContext().registerFilter(new PythonJson());
        refuseUnknownFilters();
    }

    /// Jinjava takes a filter that it does not know for one that gives nothing.
    private void refuseUnknownFilters() {
        for (String name : TemplateSource.filters(program)) {
            if (jinjava.getGlobalContext().getFilter(name) == null) {
                throw new ModelLoadException(
                        "the chat template uses the filter %s, which is not supported".formatted(name));
            }
        }
    }

    private static JinjavaConfig configuration() {
        return JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withKeepTrailingNewline(true)
                .withNestedInterpretationEnabled(false)
                .withMaxOutputSize(MAX_OUTPUT_BYTES)
                .withMaxStringLength(MAX_OUTPUT_BYTES)
                .withMaxListSize(MAX_ITEMS)
                .withMaxMapSize(MAX_ITEMS)
                .withRangeLimit(MAX_ITEMS)
                .withElResolver(new PythonStrings())
                .withLegacyOverrides(LegacyOverrides.newBuilder()
                        .withUsePyishObjectMapper(true)
                        .withUseNaturalOperatorPrecedence(true)
                        .withParseWhitespaceControlStrictly(true)
                        .withAllowAdjacentTextNodes(true)
                        .withUseTrimmingForNotesAndExpressions(true)
                        .withHandleBackslashInQuotesOnly(true)
                        .withKeepNullableLoopValues(true)
                        .build())
                .build();
    }

    /// The prompt for a conversation.
    ///
    /// @param addGenerationPrompt whether to end where the assistant's next message begins
    /// @throws ChatTemplateException with what the template says against the messages, or where it fails
    public String render(List<ChatMessage> messages, boolean addGenerationPrompt) {
        Map<String, Object> variables = new HashMap<>(specialTokens);
        variables.put("messages", messages.stream().map(ChatTemplate::variable).toList());
        variables.put("add_generation_prompt", addGenerationPrompt);
        variables.put(TemplateFunctions.NOW, ZonedDateTime.now(clock));
        variables.put("strftime_now", true); // templates ask whether it is defined; calling it finds the function
        RenderResult result = jinjava.renderForResult(program, variables);
        // Jinjava goes on behind most errors, with a prompt that no model has seen: each of them is one too many.
        if (result.hasErrors()) {
            throw failure(result.getErrors().getFirst());
        }
        return result.getOutput();
    }

    private static Map<String, Object> variable(ChatMessage message) {
        Map<String, Object> variable = new LinkedHashMap<>();
        variable.put("role", message.role());
        variable.put("content", message.content());
        return variable;
    }

    private static ChatTemplateException failure(TemplateError error) {
        for (@Nullable Throwable cause = error.getException(); cause != null; cause = cause.getCause()) {
            if (cause instanceof TemplateFunctions.RaisedException raised) {
                return new ChatTemplateException("the chat template refuses the messages: " + OneLine.reason(raised));
            }
        }
        return new ChatTemplateException("the chat template fails at line %d: %s"
                .formatted(error.getLineno(), String.valueOf(error.getMessage())));
    }

    /// The identity of the template (docs/formats.md).
    public Digest digest() {
        return new DigestBuilder("openlora/chat-template/v1")
                .lp(source.getBytes(StandardCharsets.UTF_8))
                .finish();
    }

    /// The template's Jinja text.
    public String source() {
        return source;
    }
}
