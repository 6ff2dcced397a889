package org.openlora.adapters.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.openlora.adapters.host.FakeSource.UNIT_BYTES;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.openlora.adapters.AdapterMemory;
import org.openlora.adapters.AdapterSize;

class UnitSpaceTest {
    private static final int UNITS = 100;

    @Test
    void plan_whereSeveralRunsFit_takesTheSmallest() {
        var space = new UnitSpace(UNITS, UNIT_BYTES);
        space.take(List.of(new Run(0, UNITS)));
        space.give(List.of(new Run(0, 20), new Run(30, 8), new Run(50, 12)));
        assertThat(space.plan(size(9))).contains(List.of(new Run(50, 9)));
        assertThat(space.plan(size(8))).contains(List.of(new Run(30, 8)));
        assertThat(space.plan(size(21))).isEmpty();
    }

    @Test
    void plan_whereNoRunFits_takesTheLongestAndAllowsForWhatTheyLose() {
        var space = new UnitSpace(UNITS, UNIT_BYTES);
        space.take(List.of(new Run(0, UNITS)));
        space.give(List.of(new Run(0, 20), new Run(30, 8), new Run(50, 12), new Run(70, 3)));
        // Blocks of 4 units: the first run may lose 3 of its 20.
        assertThat(space.plan(size(4, 4, 4, 4, 4, 4))).contains(List.of(new Run(0, 20), new Run(30, 7)));
        assertThat(space.plan(size(IntStream.generate(() -> 4).limit(9).toArray())))
                .as("36 of 43 free units, three runs that may lose 3 each but one")
                .isEmpty();
    }

    @Test
    void takeAndGive_ofWhatIsNotFreeOrIs_areRefused() {
        var space = new UnitSpace(UNITS, UNIT_BYTES);
        space.take(List.of(new Run(10, 5)));
        assertThatThrownBy(() -> space.take(List.of(new Run(14, 2)))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> space.give(List.of(new Run(9, 2)))).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> space.give(List.of(new Run(UNITS, 1)))).isInstanceOf(IllegalStateException.class);
        space.checkIntegrity(List.of(new Run(10, 5)));
        assertThatThrownBy(() -> space.checkIntegrity(List.of())).isInstanceOf(IllegalStateException.class);
    }

    /// Whatever the holes, an adapter that a plan was found for can be placed block by block in any order, units that
    /// it did not need come back, and no unit is lost. A plan is missing only where holes are shorter than blocks.
    @Test
    void planning_inRandomHoles_neverFailsToPlace() {
        var random = new Random(3);
        int pieces = 0;
        for (int round = 0; round < 300; round++) {
            var space = new UnitSpace(UNITS, UNIT_BYTES);
            var used = new ArrayList<List<Run>>();
            for (int step = 0; step < 60; step++) {
                int[] blocks = random.ints(1 + random.nextInt(6), 2, 7).toArray();
                AdapterSize size = size(blocks);
                Optional<List<Run>> plan = space.plan(size);
                if (plan.isPresent()) {
                    pieces += plan.get().size() > 1 ? 1 : 0;
                    space.take(plan.get());
                    Placement placement = place(plan.get(), blocks, random);
                    space.give(placement.trim());
                    used.add(placement.runs());
                } else {
                    assertThat(space.freeUnits())
                            .as("free although %s has no plan", size)
                            .isLessThan(space.unitsOf(size) + 6 * (used.size() + 1));
                    space.give(used.remove(random.nextInt(used.size())));
                }
                space.checkIntegrity(used.stream().flatMap(List::stream).toList());
            }
        }
        assertThat(pieces).isGreaterThan(100);
    }

    private static Placement place(List<Run> runs, int[] blocks, Random random) {
        MemorySegment memory = Arena.ofAuto().allocate((long) UNITS * UNIT_BYTES);
        var placement = new Placement(memory, UNIT_BYTES, FakeSource.adapter(0), runs);
        var order = new ArrayList<>(IntStream.of(blocks).boxed().toList());
        Collections.shuffle(order, random);
        order.forEach(units -> placement.allocate((long) units * UNIT_BYTES - AdapterMemory.HEADER_BYTES));
        return placement;
    }

    private static AdapterSize size(int... blockUnits) {
        return AdapterSize.of(LongStream.of(IntStream.of(blockUnits)
                .mapToLong(units -> (long) units * UNIT_BYTES - AdapterMemory.HEADER_BYTES)
                .toArray()));
    }
}
