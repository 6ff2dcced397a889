package org.openlora.server.quickstart;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/// Shows answers while they are generated: side by side on a terminal that is wide enough, one below the other on a
/// narrow one, and line by line as they end where it is no terminal. Safe for use by many threads.
final class AnswerBoard {
    private static final int GAP = 2;
    private static final int NARROWEST = 20;
    private static final int TALLEST_COLUMN = 16;
    private static final int TALLEST_ROW = 3;

    private final Terminal terminal;
    private final List<String> labels;
    private final List<StringBuilder> texts = new ArrayList<>();
    private final ReentrantLock drawing = new ReentrantLock();
    private int drawnLines;

    AnswerBoard(Terminal terminal, List<String> labels) {
        this.terminal = terminal;
        this.labels = List.copyOf(labels);
        labels.forEach(label -> texts.add(new StringBuilder()));
    }

    /// More text of one answer.
    void append(int answer, String text) {
        drawing.lock();
        try {
            texts.get(answer).append(text);
            if (terminal.isTerminal()) {
                redraw();
            }
        } finally {
            drawing.unlock();
        }
    }

    /// An answer is complete.
    void end(int answer) {
        drawing.lock();
        try {
            if (!terminal.isTerminal()) {
                terminal.line("[%s] %s".formatted(labels.get(answer), texts.get(answer).toString().strip()));
            }
        } finally {
            drawing.unlock();
        }
    }

    private void redraw() {
        int width = (terminal.columns() - GAP * (labels.size() - 1)) / labels.size();
        List<String> lines = width >= NARROWEST ? sideBySide(width) : stacked();
        StringBuilder screen = new StringBuilder();
        if (drawnLines > 0) {
            screen.append("\u001b[%dF\u001b[J".formatted(drawnLines));
        }
        lines.forEach(line -> screen.append(line).append('\n'));
        drawnLines = lines.size();
        terminal.out().print(screen);
        terminal.out().flush();
    }

    private List<String> sideBySide(int width) {
        List<List<String>> columns = new ArrayList<>();
        for (StringBuilder text : texts) {
            columns.add(last(Wrap.lines(text.toString(), width), TALLEST_COLUMN));
        }
        List<String> lines = new ArrayList<>();
        StringBuilder head = new StringBuilder();
        for (int column = 0; column < labels.size(); column++) {
            head.append(label(column, width)).append(" ".repeat(GAP));
        }
        lines.add(head.toString());
        int height = columns.stream().mapToInt(List::size).max().orElse(0);
        for (int row = 0; row < height; row++) {
            StringBuilder line = new StringBuilder();
            for (List<String> column : columns) {
                line.append(padded(row < column.size() ? column.get(row) : "", width)).append(" ".repeat(GAP));
            }
            lines.add(line.toString().stripTrailing());
        }
        return lines;
    }

    private List<String> stacked() {
        int labelWidth = labels.stream().mapToInt(String::length).max().orElse(0) + GAP;
        int width = Math.max(NARROWEST, terminal.columns() - labelWidth - 1);
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < labels.size(); i++) {
            lines.add(label(i, labelWidth).stripTrailing());
            last(Wrap.lines(texts.get(i).toString(), width), TALLEST_ROW)
                    .forEach(line -> lines.add(" ".repeat(GAP) + line));
        }
        return lines;
    }

    private String label(int index, int width) {
        return terminal.style(Terminal.BOLD + Terminal.colour(index), padded(labels.get(index), width));
    }

    private static List<String> last(List<String> lines, int count) {
        return lines.subList(Math.max(0, lines.size() - count), lines.size());
    }

    private static String padded(String text, int width) {
        return text.length() >= width ? text.substring(0, width) : text + " ".repeat(width - text.length());
    }
}
