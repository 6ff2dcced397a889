package org.openlora.server.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.openlora.api.v1.Adapter;

/// Adapters as a table, a line each.
final class AdapterTable {
    private static final String ROW = "%-32s %-10s %-8s %4s %10s %6s %8s %-6s %s%n";
    /// `sha256:` and twelve digits: enough to tell adapters apart.
    private static final int DIGEST_CHARACTERS = 19;

    private final PrintWriter out;
    private final List<Adapter> adapters = new ArrayList<>();

    AdapterTable(PrintWriter out) {
        this.out = out;
    }

    void add(Adapter adapter) {
        adapters.add(adapter);
    }

    /// Prints what was added; nothing where nothing was.
    void print() {
        if (adapters.isEmpty()) {
            return;
        }
        out.printf(ROW, "NAME", "TIER", "STATE", "RANK", "MEMORY", "LEASES", "HITS", "PINNED", "DIGEST");
        adapters.forEach(this::row);
    }

    private void row(Adapter adapter) {
        out.printf(
                ROW,
                adapter.getName(),
                tier(adapter),
                state(adapter),
                adapter.hasRank() ? Integer.toString(adapter.getRank()) : "-",
                bytes(adapter),
                adapter.getLeases(),
                adapter.getHits(),
                adapter.getPinned() ? "yes" : "-",
                adapter.hasProblem() ? "cannot be served: " + adapter.getProblem() : digest(adapter));
    }

    private static String digest(Adapter adapter) {
        String digest = adapter.getDigest();
        return digest.length() > DIGEST_CHARACTERS ? digest.substring(0, DIGEST_CHARACTERS) : digest;
    }

    static String tier(Adapter adapter) {
        return adapter.getTier().name().replace("TIER_", "").toLowerCase(Locale.ROOT);
    }

    static String state(Adapter adapter) {
        return adapter.getState().name().replace("STATE_", "").toLowerCase(Locale.ROOT);
    }

    /// Memory in KiB; `-` where it is not known.
    static String bytes(Adapter adapter) {
        return adapter.hasResidentBytes() ? "%d KiB".formatted(Math.ceilDiv(adapter.getResidentBytes(), 1024)) : "-";
    }
}
