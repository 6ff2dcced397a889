package org.openlora.engine.chat;

/// One message of a conversation.
///
/// @param role who speaks, in the template's words: usually `system`, `user` or `assistant`
public record ChatMessage(String role, String content) {
    /// Throws [IllegalArgumentException] if there is no role.
    public ChatMessage {
        if (role.isBlank()) {
            throw new IllegalArgumentException("a chat message must have a role");
        }
    }
}
