package org.openlora.server.adapters;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.openlora.adapters.Digest;

class PinsTest {
    private static final Digest CONTENT = Digest.sha256(new byte[] {1});

    private final Pins pins = new Pins();

    @Test
    void remove_oneOfTwoTenants_keepsThePin() {
        assertThat(pins.add(CONTENT, "a")).isTrue();
        assertThat(pins.add(CONTENT, "b")).isTrue();
        assertThat(pins.add(CONTENT, "b")).as("again").isFalse();

        assertThat(pins.remove(CONTENT, "a")).isFalse();
        assertThat(pins.contains(CONTENT)).isTrue();
        assertThat(pins.remove(CONTENT, "b")).isTrue();
        assertThat(pins.contains(CONTENT)).isFalse();
    }

    @Test
    void remove_tenantWithoutPin_changesNothing() {
        assertThat(pins.add(CONTENT, "a")).isTrue();

        assertThat(pins.remove(CONTENT, "b")).isFalse();
        assertThat(pins.contains(CONTENT)).isTrue();
    }

    @Test
    void removeAll_takesEverybodysAway() {
        assertThat(pins.add(CONTENT, "a")).isTrue();
        assertThat(pins.add(CONTENT, "b")).isTrue();

        assertThat(pins.removeAll(CONTENT)).isTrue();
        assertThat(pins.removeAll(CONTENT)).isFalse();
        assertThat(pins.contains(CONTENT)).isFalse();
    }
}
