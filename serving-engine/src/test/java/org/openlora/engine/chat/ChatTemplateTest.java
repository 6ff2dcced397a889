package org.openlora.engine.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openlora.engine.weights.GgufBytes;
import org.openlora.engine.weights.ModelLoadException;

@SuppressWarnings("StringConcatToTextBlock") // prompts end without a line break, and spaces at line ends count
class ChatTemplateTest {
    private static final Clock CLOCK = Clock.fixed(Instant.parse("2026-07-04T15:06:07Z"), ZoneOffset.UTC);

    private static final ChatMessage SYSTEM = new ChatMessage("system", "Be brief.");
    private static final ChatMessage USER = new ChatMessage("user", "Hi {{ x }}\n");
    private static final ChatMessage ASSISTANT = new ChatMessage("assistant", " Hello! ");

    static final String CHATML =
            "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content']"
                    + " + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    static final String SMOLLM2 = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
            + "{{ '<|im_start|>system\\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}"
            + "{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// The same with the line breaks inside the literals as GGUF metadata and JSON deliver them: real ones.
    private static String withRealLineBreaks(String template) {
        return template.replace("\\n", "\n");
    }

    static final String QWEN25 = """
            {%- if tools %}
                {{- '<|im_start|>system\\n' }}
                {%- if messages[0]['role'] == 'system' %}
                    {{- messages[0]['content'] }}
                {%- else %}
                    {{- 'You are Qwen, created by Alibaba Cloud. You are a helpful assistant.' }}
                {%- endif %}
                {%- for tool in tools %}
                    {{- "\\n" }}
                    {{- tool | tojson }}
                {%- endfor %}
                {{- "\\n</tools><|im_end|>\\n" }}
            {%- else %}
                {%- if messages[0]['role'] == 'system' %}
                    {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
                {%- else %}
                    {{- '<|im_start|>system\\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\\n' }}
                {%- endif %}
            {%- endif %}
            {%- for message in messages %}
                {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
                    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
                {%- elif message.role == "assistant" %}
                    {{- '<|im_start|>' + message.role }}
                    {%- if message.content %}
                        {{- '\\n' + message.content }}
                    {%- endif %}
                    {{- '<|im_end|>\\n' }}
                {%- elif message.role == "tool" %}
                    {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
                        {{- '<|im_start|>user' }}
                    {%- endif %}
                    {{- '\\n<tool_response>\\n' }}
                    {{- message.content }}
                    {{- '\\n</tool_response>' }}
                    {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
                        {{- '<|im_end|>\\n' }}
                    {%- endif %}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|im_start|>assistant\\n' }}
            {%- endif %}
            """;

    static final String LLAMA3 = "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content ="
            + " '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}"
            + "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
            + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}";

    static final String LLAMA32 = """
            {{- bos_token }}
            {%- if not date_string is defined %}
                {%- if strftime_now is defined %}
                    {%- set date_string = strftime_now("%d %b %Y") %}
                {%- else %}
                    {%- set date_string = "26 Jul 2024" %}
                {%- endif %}
            {%- endif %}
            {%- if not tools is defined %}
                {%- set tools = none %}
            {%- endif %}
            {#- This block extracts the system message. #}
            {%- if messages[0]['role'] == 'system' %}
                {%- set system_message = messages[0]['content']|trim %}
                {%- set messages = messages[1:] %}
            {%- else %}
                {%- set system_message = "" %}
            {%- endif %}
            {{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
            {{- "Today Date: " + date_string + "\\n\\n" }}
            {{- system_message }}
            {{- "<|eot_id|>" }}
            {%- for message in messages %}
                {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
                    {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
            {%- endif %}
            """;

    static final String MISTRAL =
            "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2"
                    + " == 0) %}{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
                    + "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] =="
                    + " 'assistant' %}{{ message['content'] + eos_token}}{% else %}{{ raise_exception('Only user and assistant roles are"
                    + " supported!') }}{% endif %}{% endfor %}";

    /// The parts of Qwen3's template that a plain conversation reaches.
    static final String QWEN3 = """
            {%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
            {%- for message in messages[::-1] %}
                {%- set index = (messages|length - 1) - loop.index0 %}
                {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
                    {%- set ns.multi_step_tool = false %}
                    {%- set ns.last_query_index = index %}
                {%- endif %}
            {%- endfor %}
            {%- for message in messages %}
                {%- if message.content is string %}
                    {%- set content = message.content %}
                {%- else %}
                    {%- set content = '' %}
                {%- endif %}
                {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
                    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
                {%- elif message.role == "assistant" %}
                    {%- set reasoning_content = '' %}
                    {%- if message.reasoning_content is string %}
                        {%- set reasoning_content = message.reasoning_content %}
                    {%- else %}
                        {%- if '</think>' in content %}
                            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
                        {%- endif %}
                    {%- endif %}
                    {%- if loop.index0 > ns.last_query_index %}
                        {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
                    {%- else %}
                        {{- '<|im_start|>' + message.role + '\\n' + content }}
                    {%- endif %}
                    {{- '<|im_end|>\\n' }}
                {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
                {{- '<|im_start|>assistant\\n' }}
                {%- if enable_thinking is defined and enable_thinking is false %}
                    {{- '<think>\\n\\n</think>\\n\\n' }}
                {%- endif %}
            {%- endif %}
            """;

    @TempDir
    Path directory;

    private static String render(String template, boolean generate, ChatMessage... messages) {
        Map<String, String> tokens = Map.of("bos_token", "<bos>", "eos_token", "<eos>");
        return new ChatTemplate(template, tokens, CLOCK).render(List.of(messages), generate);
    }

    @Test
    void render_chatMl_keepsContentAsItIs() {
        String expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ x }}\n<|im_end|>\n"
                + "<|im_start|>assistant\n Hello! <|im_end|>\n";
        assertThat(render(CHATML, false, SYSTEM, USER, ASSISTANT)).isEqualTo(expected);
        assertThat(render(withRealLineBreaks(CHATML), true, SYSTEM, USER, ASSISTANT))
                .isEqualTo(expected + "<|im_start|>assistant\n");
    }

    @Test
    void render_smolLm2_addsItsSystemPromptOnlyWhereNoneIsGiven() {
        assertThat(render(withRealLineBreaks(SMOLLM2), true, USER))
                .isEqualTo(
                        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
                                + "<|im_start|>user\nHi {{ x }}\n<|im_end|>\n<|im_start|>assistant\n");
        assertThat(render(SMOLLM2, true, SYSTEM, USER))
                .isEqualTo("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ x }}\n<|im_end|>\n"
                        + "<|im_start|>assistant\n");
    }

    @Test
    void render_qwen25_asTransformers() {
        assertThat(render(QWEN25, true, USER, ASSISTANT, USER))
                .isEqualTo(
                        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
                                + "<|im_start|>user\nHi {{ x }}\n<|im_end|>\n<|im_start|>assistant\n Hello! <|im_end|>\n"
                                + "<|im_start|>user\nHi {{ x }}\n<|im_end|>\n<|im_start|>assistant\n");
        assertThat(render(QWEN25, false, SYSTEM, USER))
                .isEqualTo("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi {{ x }}\n<|im_end|>\n");
    }

    @Test
    void render_llama3_trimsAndStartsWithBos() {
        assertThat(render(LLAMA3, true, SYSTEM, USER))
                .isEqualTo("<bos><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
                        + "<|start_header_id|>user<|end_header_id|>\n\nHi {{ x }}<|eot_id|>"
                        + "<|start_header_id|>assistant<|end_header_id|>\n\n");
    }

    @Test
    void render_llama32_slicesMessagesAndWritesTheDate() {
        assertThat(render(LLAMA32, true, SYSTEM, USER))
                .isEqualTo(
                        "<bos><|start_header_id|>system<|end_header_id|>\n\nToday Date: 04 Jul 2026\n\nBe brief.<|eot_id|>"
                                + "<|start_header_id|>user<|end_header_id|>\n\nHi {{ x }}<|eot_id|>"
                                + "<|start_header_id|>assistant<|end_header_id|>\n\n");
    }

    @Test
    void render_mistral_raisesWhatTheTemplateSays() {
        assertThat(render(MISTRAL, false, USER, ASSISTANT)).isEqualTo("<bos>[INST] Hi {{ x }}\n [/INST] Hello! <eos>");
        assertThatThrownBy(() -> render(MISTRAL, false, ASSISTANT))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessage("the chat template refuses the messages: Conversation roles must alternate"
                        + " user/assistant/user/assistant/...");
    }

    @Test
    void render_qwen3_callsPythonsStringMethods() {
        ChatMessage thought = new ChatMessage("assistant", "<think>\nhm\n</think>\n\nYes.");
        assertThat(render(QWEN3, true, new ChatMessage("user", "A?"), thought, new ChatMessage("user", "B?")))
                .isEqualTo("<|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\nYes.<|im_end|>\n"
                        + "<|im_start|>user\nB?<|im_end|>\n<|im_start|>assistant\n");
        assertThat(render(QWEN3, false, new ChatMessage("user", "A?"), thought))
                .isEqualTo(
                        "<|im_start|>user\nA?<|im_end|>\n<|im_start|>assistant\n<think>\nhm\n</think>\n\nYes.<|im_end|>\n");
    }

    @Test
    void render_brokenTemplate_namesLineAndProblem() {
        assertThatThrownBy(() -> render("a\n{% if x %}", false, USER))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("line 2");
        assertThatThrownBy(() -> render("{{ '|x|' }}{{ messages | nosuchfilter }}", false, USER))
                .isInstanceOf(ModelLoadException.class)
                .hasMessage("the chat template uses the filter nosuchfilter, which is not supported");
        assertThatThrownBy(() -> render("{{ nosuch(1) }}", false, USER))
                .isInstanceOf(ChatTemplateException.class)
                .hasMessageContaining("nosuch");
    }

    @Test
    void render_hostileTemplate_isBounded() {
        String doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}" + "{% set x = x ~ x %}".repeat(40) + "{{ x }}";
        assertThatThrownBy(() -> render(doubling, false, USER)).isInstanceOf(ChatTemplateException.class);
        assertThatThrownBy(() -> render("{{ messages.getClass().forName('java.lang.Runtime') }}", false, USER))
                .isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void tojson_isPythons() {
        assertThat(render("{{ [messages[0], 1, 'é'] | tojson }}", false, SYSTEM))
                .isEqualTo("[{\"role\": \"system\", \"content\": \"Be brief.\"}, 1, \"é\"]");
    }

    @Test
    void strftimeNow_everyDirective_isPythons() {
        assertThat(render("{{ strftime_now('%Y-%m-%d %H:%M:%S %b %B %a %A %y %j %I %p %%') }}", false, USER))
                .isEqualTo("2026-07-04 15:06:07 Jul July Sat Saturday 26 185 03 PM %");
    }

    @Test
    void open_everyPlaceOfATemplate_isFound() throws IOException {
        Files.writeString(directory.resolve("config.json"), "{}");
        assertThat(ChatTemplates.open(directory, CLOCK)).isEmpty();
        Path config = directory.resolve("tokenizer_config.json");
        Files.writeString(config, "{\"bos_token\":{\"content\":\"<b>\"},\"chat_template\":\"{{ bos_token }}1\"}");
        assertThat(rendered(directory)).isEqualTo("<b>1");
        Files.writeString(config, """
                {"chat_template":[{"name":"tool_use","template":"t"},{"name":"default","template":"d"}]}""");
        assertThat(rendered(directory)).isEqualTo("d");
        Files.writeString(config, "{\"chat_template\":[{\"name\":\"other\",\"template\":\"t\"}]}");
        assertThatThrownBy(() -> ChatTemplates.open(directory, CLOCK))
                .isInstanceOf(ModelLoadException.class)
                .hasMessageContaining("one named default");
        Files.writeString(config, "{}");
        Files.writeString(directory.resolve("chat_template.jinja"), "file");
        assertThat(rendered(directory)).isEqualTo("file");
        Path gguf = new GgufBytes()
                .string("tokenizer.chat_template", "{{ eos_token }}g")
                .strings("tokenizer.ggml.tokens", List.of("x", "<e>"))
                .u32("tokenizer.ggml.eos_token_id", 1)
                .write(directory.resolve("m.gguf"));
        assertThat(rendered(gguf)).isEqualTo("<e>g");
    }

    private static String rendered(Path path) {
        return ChatTemplates.open(path, CLOCK).orElseThrow().render(List.of(USER), false);
    }
}
