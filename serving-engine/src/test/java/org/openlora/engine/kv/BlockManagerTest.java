package org.openlora.engine.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class BlockManagerTest {
    @Test
    void reserve_moreThanFree_changesNothing() {
        BlockManager blocks = new BlockManager(3, 4);
        BlockTable first = new BlockTable();
        assertThat(blocks.reserve(first, 8)).isTrue();

        BlockTable second = new BlockTable();
        assertThat(blocks.reserve(second, 5)).isFalse();

        assertThat(second.size()).isZero();
        assertThat(blocks.freeBlocks()).isEqualTo(1);
        blocks.checkIntegrity(List.of(first, second));
    }

    @Test
    void slot_acrossBlocks_followsTheTable() {
        BlockManager blocks = new BlockManager(4, 4);
        BlockTable other = new BlockTable();
        blocks.reserve(other, 1);
        BlockTable table = new BlockTable();
        blocks.reserve(table, 6);

        assertThat(table.slot(5, 4)).isEqualTo(table.block(1) * 4 + 1);
        assertThatThrownBy(() -> table.slot(8, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void reserveAndRelease_atRandom_loseNoBlock() {
        SplittableRandom random = new SplittableRandom(7);
        BlockManager blocks = new BlockManager(50, 16);
        List<BlockTable> tables = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            tables.add(new BlockTable());
        }
        for (int step = 0; step < 5_000; step++) {
            BlockTable table = tables.get(random.nextInt(tables.size()));
            if (random.nextInt(4) == 0) {
                blocks.release(table);
            } else {
                blocks.reserve(table, table.size() * 16 + random.nextInt(40));
            }
            blocks.checkIntegrity(tables);
        }
    }

    @Test
    void checkIntegrity_tableNotNamed_throws() {
        BlockManager blocks = new BlockManager(2, 4);
        blocks.reserve(new BlockTable(), 3);
        assertThatThrownBy(() -> blocks.checkIntegrity(List.of())).isInstanceOf(IllegalStateException.class);
    }
}
