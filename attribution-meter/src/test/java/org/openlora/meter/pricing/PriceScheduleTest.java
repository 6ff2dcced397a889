package org.openlora.meter.pricing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.openlora.meter.pricing.PriceSchedule.Entry;

class PriceScheduleTest {
    private static final PriceBook FIRST = PriceBooksFixture.book("first", 1);
    private static final PriceBook SECOND = PriceBooksFixture.book("second", 2);
    private static final PriceBook THIRD = PriceBooksFixture.book("third", 3);

    @Test
    void at_everyMoment_isTheEntryThatBeganLast() {
        PriceSchedule schedule = new PriceSchedule(List.of(
                new Entry(2, SECOND, 2_000, 50, "b"), new Entry(1, FIRST, 1_000, 10, "a"), entry(3, THIRD, 5_000)));
        assertThat(schedule.find(999)).isEmpty();
        assertThat(schedule.at(1_000)).isEqualTo(FIRST);
        assertThat(schedule.at(1_999)).isEqualTo(FIRST);
        assertThat(schedule.at(2_000)).isEqualTo(SECOND);
        assertThat(schedule.at(4_999)).isEqualTo(SECOND);
        assertThat(schedule.at(Long.MAX_VALUE)).isEqualTo(THIRD);
        assertThat(schedule.endOf(schedule.entries().getFirst()))
                .hasValueSatisfying(end -> assertThat(end.toEpochMilli()).isEqualTo(2_000));
        assertThat(schedule.endOf(schedule.entries().getLast())).isEmpty();
    }

    @Test
    void at_twoFromTheSameMoment_theLaterRegisteredHolds() {
        PriceSchedule schedule = new PriceSchedule(List.of(entry(2, SECOND, 1_000), entry(1, FIRST, 1_000)));
        assertThat(schedule.at(1_000)).isEqualTo(SECOND);
    }

    @Test
    void at_bookThatReturns_holdsAgain() {
        PriceSchedule schedule =
                new PriceSchedule(List.of(entry(1, FIRST, 1_000), entry(2, SECOND, 2_000), entry(3, FIRST, 3_000)));
        assertThat(schedule.at(2_500)).isEqualTo(SECOND);
        assertThat(schedule.at(3_500)).isEqualTo(FIRST);
    }

    @Test
    void at_beforeTheFirst_saysWhenThatIs() {
        assertThatThrownBy(() -> new PriceSchedule(List.of(entry(1, FIRST, 1_000))).at(0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no price book is in force at 1970-01-01T00:00:00Z; the first, 'first', is from"
                        + " 1970-01-01T00:00:01Z on");
        assertThatThrownBy(() -> new PriceSchedule(List.of()).at(0)).hasMessageEndingWith("; none is registered");
    }

    private static Entry entry(long id, PriceBook book, long fromMillis) {
        return new Entry(id, book, fromMillis, 0, "test");
    }
}
