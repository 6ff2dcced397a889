package org.openlora.server.problem;

import java.util.Objects;

/// An expected failure, told in one line: what was wrong, and what to do about it.
///
/// The command line prints it as `openlora: <what>; <remedy>` without a stack trace.
public final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final String what;
    private final String remedy;

    public Problem(String what, String remedy) {
        super(oneLine(what) + "; " + oneLine(remedy));
        this.what = oneLine(what);
        this.remedy = oneLine(remedy);
    }

    public Problem(String what, String remedy, Throwable cause) {
        this(what, remedy);
        initCause(cause);
    }

    /// What was wrong: a clause without a full stop.
    public String what() {
        return what;
    }

    /// What to do about it: a clause without a full stop.
    public String remedy() {
        return remedy;
    }

    /// The first sentence a throwable has to say for itself, on one line; its class's name where it is silent.
    public static String describe(Throwable throwable) {
        String message = throwable.getMessage();
        return message == null || message.isBlank() ? throwable.getClass().getSimpleName() : oneLine(message);
    }

    private static String oneLine(String text) {
        return Objects.requireNonNull(text).strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
