package org.openlora.server.http;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.openlora.server.serving.PromptInput;

/// The prompts of a request: `prompt` in its four forms, or `messages`.
final class Prompts {
    private static final int MOST_PROMPTS = 128;
    private static final String PROMPT_FORMS =
            "a string, an array of strings, an array of token ids, or an array of such arrays";

    private Prompts() {}

    static List<PromptInput> read(RequestFields fields, ReplyKind kind) {
        return switch (kind) {
            case TEXT ->
                prompts(fields.node("prompt")
                        .orElseThrow(() -> ApiException.badField("prompt", "prompt is missing: give " + PROMPT_FORMS)));
            case CHAT ->
                List.of(conversation(fields.node("messages")
                        .orElseThrow(() -> ApiException.badField(
                                "messages", "messages is missing: give an array of role and content"))));
        };
    }

    private static List<PromptInput> prompts(JsonNode prompt) {
        if (prompt.isTextual()) {
            return List.of(new PromptInput.Text(prompt.textValue()));
        }
        RequestFields.require(prompt.isArray() && !prompt.isEmpty(), "prompt", prompt, PROMPT_FORMS);
        if (prompt.get(0).isIntegralNumber()) {
            return List.of(tokens(prompt));
        }
        RequestFields.require(
                prompt.size() <= MOST_PROMPTS, "prompt", prompt, "at most %d prompts".formatted(MOST_PROMPTS));
        List<PromptInput> prompts = new ArrayList<>();
        for (JsonNode one : prompt) {
            RequestFields.require(one.isTextual() || one.isArray(), "prompt", prompt, PROMPT_FORMS);
            prompts.add(one.isTextual() ? new PromptInput.Text(one.textValue()) : tokens(one));
        }
        return prompts;
    }

    private static PromptInput tokens(JsonNode ids) {
        return new PromptInput.Tokens(RequestFields.integers("prompt", ids));
    }

    private static PromptInput conversation(JsonNode messages) {
        RequestFields.require(messages.isArray(), "messages", messages, "an array of role and content");
        List<PromptInput.Turn> turns = new ArrayList<>();
        for (JsonNode message : messages) {
            JsonNode role = message.path("role");
            RequestFields.require(
                    message.isObject() && role.isTextual(), "messages", message, "an object with role and content");
            turns.add(new PromptInput.Turn(role.textValue(), content(message.path("content"))));
        }
        return new PromptInput.Chat(turns);
    }

    /// A string, or parts of type text put together.
    private static String content(JsonNode content) {
        if (content.isTextual()) {
            return content.textValue();
        }
        if (content.isNull()) {
            return "";
        }
        String allowed = "a string, or an array of parts of type text";
        RequestFields.require(content.isArray(), "messages", content, "content as " + allowed);
        StringBuilder text = new StringBuilder();
        for (JsonNode part : content) {
            RequestFields.require(
                    part.path("type").asText().equals("text")
                            && part.path("text").isTextual(),
                    "messages",
                    part,
                    "content as " + allowed);
            text.append(part.path("text").textValue());
        }
        return text.toString();
    }
}
