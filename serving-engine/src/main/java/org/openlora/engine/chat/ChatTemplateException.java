package org.openlora.engine.chat;

/// Messages that the model's template refuses or cannot render. The message is one line.
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ChatTemplateException(String message) {
        super(message.replaceAll("\\p{Cntrl}+", " "));
    }
}
