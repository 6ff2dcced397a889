package org.openlora.server.http;

/// The two forms of a completion.
enum ReplyKind {
    /// `/v1/completions`.
    TEXT("cmpl-", "text_completion", "text_completion"),
    /// `/v1/chat/completions`.
    CHAT("chatcmpl-", "chat.completion", "chat.completion.chunk");

    private final String idPrefix;
    private final String whole;
    private final String chunk;

    ReplyKind(String idPrefix, String whole, String chunk) {
        this.idPrefix = idPrefix;
        this.whole = whole;
        this.chunk = chunk;
    }

    /// What an answer's id begins with.
    String idPrefix() {
        return idPrefix;
    }

    /// The `object` of an answer in one piece.
    String whole() {
        return whole;
    }

    /// The `object` of a streamed answer's event.
    String chunk() {
        return chunk;
    }
}
