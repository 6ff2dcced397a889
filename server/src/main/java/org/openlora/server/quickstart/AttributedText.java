package org.openlora.server.quickstart;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.openlora.meter.evidence.AttributionRecord;

/// Shows an answer with each span in the colour of those who wrote what it stands in.
final class AttributedText {
    private final Terminal terminal;
    private final People people;
    private final Function<int[], String> decode;

    /// @param decode the text of token ids
    AttributedText(Terminal terminal, People people, Function<int[], String> decode) {
        this.terminal = terminal;
        this.people = people;
        this.decode = decode;
    }

    void show(Answer answer, AttributionRecord record) {
        int[] tokens = answer.tokenIds().stream().mapToInt(Integer::intValue).toArray();
        Map<String, Integer> colours = new LinkedHashMap<>();
        StringBuilder text = new StringBuilder();
        int count = Math.min(tokens.length, record.owners().size());
        int end;
        for (int start = 0; start < count; start = end) {
            int owner = record.owners().get(start);
            end = start + 1;
            while (end < count && record.owners().get(end) == owner) {
                end++;
            }
            text.append(segment(textBetween(tokens, start, end), owner, record, colours));
        }
        text.toString().strip().lines().forEach(line -> terminal.line("  " + line));
        terminal.line("");
        colours.forEach((writers, colour) -> terminal.line("  %s %s".formatted(mark(colour), writers)));
        terminal.line(
                record.datanets().isEmpty()
                        ? "  no adapter with a lineage served this: the contributors' part goes to the treasury"
                        : "  %d of %d tokens by evidence, the others by the adapter's declared training mix"
                                .formatted(
                                        record.evidenceTokens(), record.owners().size()));
    }

    private String segment(String text, int owner, AttributionRecord record, Map<String, Integer> colours) {
        if (owner < 0) {
            return text;
        }
        String writers = String.join(", ", people.writers(record, record.spans().get(owner)));
        int colour = colours.computeIfAbsent(writers, _ -> colours.size());
        return terminal.isTerminal() ? terminal.style(Terminal.colour(colour), text) : text + mark(colour);
    }

    private String mark(int colour) {
        return terminal.isTerminal() ? terminal.style(Terminal.colour(colour), "\u25a0") : "[%d]".formatted(colour + 1);
    }

    private String textBetween(int[] tokens, int start, int end) {
        String before = decode.apply(Arrays.copyOf(tokens, start));
        String with = decode.apply(Arrays.copyOf(tokens, end));
        return with.startsWith(before) ? with.substring(before.length()) : with;
    }
}
