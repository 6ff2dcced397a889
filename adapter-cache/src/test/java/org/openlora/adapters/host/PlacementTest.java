package org.openlora.adapters.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.AdapterMemory.HEADER_BYTES;
import static org.openlora.adapters.host.FakeSource.UNIT_BYTES;
import static org.openlora.adapters.host.FakeSource.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlacementTest {
    private final MemorySegment arena = Arena.ofAuto().allocate(20 * UNIT_BYTES, UNIT_BYTES);
    private final Placement placement =
            new Placement(arena, UNIT_BYTES, adapter(7), List.of(new Run(2, 3), new Run(8, 6)));

    @Test
    void allocate_takesTheFirstRunWithRoomAndLeavesHeaders() {
        MemorySegment large = placement.allocate(3 * UNIT_BYTES);
        MemorySegment small = placement.allocate(1);
        assertThat(large.address() - arena.address()).isEqualTo(8 * UNIT_BYTES + HEADER_BYTES);
        assertThat(small.address() - arena.address()).isEqualTo(2 * UNIT_BYTES + HEADER_BYTES);
        assertThat(large.byteSize()).isEqualTo(3 * UNIT_BYTES);
        assertThat(arena.get(ValueLayout.JAVA_LONG, 8 * UNIT_BYTES))
                .isEqualTo(adapter(7).tag());
        assertThat(placement.tag()).isEqualTo(adapter(7).tag());
        assertThatThrownBy(() -> placement.allocate(3 * UNIT_BYTES)).isInstanceOf(IllegalStateException.class);
        assertThat(placement.trim()).containsExactlyInAnyOrder(new Run(4, 1), new Run(12, 2));
        assertThat(placement.runs()).containsExactly(new Run(2, 2), new Run(8, 4));
    }

    @Test
    void seal_showsEveryChangedByte_ofTagsToo() {
        placement.allocate(2 * UNIT_BYTES).fill((byte) 1);
        placement.allocate(UNIT_BYTES).fill((byte) 2);
        placement.seal();
        assertThat(placement.firstDamaged()).isEmpty();
        for (long at = 8 * UNIT_BYTES; at < 10 * UNIT_BYTES; at++) {
            byte before = arena.get(ValueLayout.JAVA_BYTE, at);
            arena.set(ValueLayout.JAVA_BYTE, at, (byte) (before ^ 1));
            assertThat(placement.firstDamaged()).as("byte %d", at).hasValue(1);
            arena.set(ValueLayout.JAVA_BYTE, at, before);
        }
        assertThat(placement.firstDamaged()).isEmpty();
        arena.set(ValueLayout.JAVA_LONG, 2 * UNIT_BYTES, adapter(3).tag());
        assertThat(placement.firstDamaged()).hasValue(0);
    }

    @Test
    void erase_leavesNoTag() {
        placement.allocate(UNIT_BYTES);
        placement.seal();
        placement.erase();
        assertThat(placement.tag()).isNotEqualTo(adapter(7).tag());
        assertThat(arena.get(ValueLayout.JAVA_BYTE, 0)).as("others' memory").isZero();
    }
}
