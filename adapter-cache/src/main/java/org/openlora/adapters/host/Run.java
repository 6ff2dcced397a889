package org.openlora.adapters.host;

/// Neighbouring units of the arena.
record Run(int start, int length) {
    Run {
        if (start < 0 || length <= 0) {
            throw new IllegalArgumentException("no run of " + length + " units begins at unit " + start);
        }
    }

    int end() {
        return start + length;
    }
}
