package org.openlora.server.trace;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// A trace for reading in a terminal: colours and footnotes; numbers alone where it is no terminal.
///
/// @param coloured whether escape sequences are understood
public record TerminalTrace(PrintWriter out, boolean coloured) {
    private static final String RESET = "\u001b[0m";
    private static final String BOLD = "\u001b[1m";
    private static final String FAINT = "\u001b[2m";
    /// Colours that are told apart on light and dark grounds.
    private static final int[] COLOURS = {32, 35, 36, 33, 34, 31};

    /// Writes all of it.
    public void write(Trace trace) {
        String missing = trace.textMissing();
        if (missing == null) {
            out.println(indented(trace.pieces().stream().map(this::piece).collect(Collectors.joining())));
        } else {
            out.println("  (%s)".formatted(missing));
            trace.pieces()
                    .forEach(piece -> out.printf(
                            "  tokens %d to %d: %s%n",
                            piece.start(),
                            piece.start() + piece.tokens() - 1,
                            switch (piece.kind()) {
                                case EVIDENCE -> marks(piece.notes());
                                case PRIOR -> "by the adapters' declared training mix";
                                case ECHO -> "repeat the prompt";
                            }));
        }
        out.println();
        trace.notes().forEach(this::note);
        out.printf(
                Locale.ROOT,
                "%d of %d tokens by evidence%s; the others by the adapters' declared training mix%n%n",
                trace.evidenceTokens(),
                trace.tokens(),
                trace.echoTokens() == 0 ? "" : ", %d repeat the prompt".formatted(trace.echoTokens()));
        out.printf("receipt %d, price %s%n", trace.seq(), trace.price());
        for (Trace.Payee payee : trace.payments()) {
            out.printf(
                    Locale.ROOT,
                    "  %-14s %20s  %5.1f %%  %s  %s%n",
                    payee.role(),
                    payee.amount(),
                    100 * payee.share(),
                    payee.address(),
                    clean(payee.what()));
        }
        out.flush();
    }

    private String piece(Trace.Piece piece) {
        String text = clean(piece.text());
        return switch (piece.kind()) {
            case EVIDENCE -> styled(colour(piece.notes().getFirst()), text) + styled(BOLD, marks(piece.notes()));
            case PRIOR -> text;
            case ECHO -> styled(FAINT, text);
        };
    }

    private void note(Trace.Note note) {
        out.printf(
                Locale.ROOT,
                "%s %s, %s (%s, %s): %.1f %% of the answer, paid %s%n",
                styled(colour(note.number()), "[%d]".formatted(note.number())),
                styled(BOLD, clean(note.name())),
                clean(note.datanet()),
                clean(note.datanetTitle()),
                clean(note.licence()),
                100 * note.share(),
                note.paid());
        for (Trace.Passage passage : note.passages()) {
            out.printf(
                    Locale.ROOT,
                    "    tokens %d to %d, %.0f bits, row %d%s%n",
                    passage.start(),
                    passage.start() + passage.tokens() - 1,
                    passage.bits(),
                    passage.row(),
                    passage.rows() == 1 ? "" : " of %d that hold it".formatted(passage.rows()));
        }
    }

    private static String marks(List<Integer> notes) {
        return notes.stream().map("[%d]"::formatted).collect(Collectors.joining());
    }

    private static String colour(int number) {
        return "\u001b[%dm".formatted(COLOURS[(number - 1) % COLOURS.length]);
    }

    private String styled(String code, String text) {
        return coloured && !text.isEmpty() ? code + text + RESET : text;
    }

    private static String indented(String text) {
        return text.strip().lines().map(line -> "  " + line).collect(Collectors.joining(System.lineSeparator()));
    }

    /// Names and answers come from others: nothing in them may move the cursor or recolour what follows.
    private static String clean(String text) {
        return text.codePoints()
                .filter(c -> c == '\n' || c == '\t' || !Character.isISOControl(c))
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
