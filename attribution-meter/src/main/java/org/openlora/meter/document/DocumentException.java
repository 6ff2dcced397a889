package org.openlora.meter.document;

/// A document breaks its format. The message is one line: file, line, field, what was found and what is allowed.
public final class DocumentException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    public DocumentException(String message) {
        super(message);
    }

    public DocumentException(String message, Throwable cause) {
        super(message, cause);
    }
}
