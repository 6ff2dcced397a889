package org.openlora.meter.pricing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.openlora.meter.evidence.Fixtures;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.Payment;
import org.openlora.meter.receipt.Role;
import org.openlora.meter.usage.AdapterUsage;

class QuoteTest {
    private static final PriceBook BOOK = PriceBooksFixture.book("quoted", 1_000_000);

    @Test
    void of_adapter_splitsAsTheBookSays() {
        AdapterUsage adapter = Fixtures.adapter("a", 1_000_000);
        PricedUsage priced = Quote.of(BOOK, usage(List.of(adapter), 900, 100, 300));
        // 800 · 50,000 + 100 · 5,000 + 300 · 200,000 pico and the fixed fee
        long tokenFees = 40_000_000L + 500_000 + 60_000_000;
        assertThat(priced.pricePico()).isEqualTo(tokenFees + 1_000_000);
        long net = tokenFees * 95 / 100;
        assertThat(byRole(priced))
                .isEqualTo(Map.of(
                        Role.PLATFORM, 1_000_000 + tokenFees / 20,
                        Role.TREASURY, net * 15 / 100,
                        Role.ADAPTER_OWNER, net * 20 / 100,
                        Role.OPERATOR, net * 25 / 100,
                        Role.DATANET_POOL, net * 40 / 100));
    }

    @Test
    void of_bareBase_leavesNothingForContributors() {
        PricedUsage priced = Quote.of(BOOK, usage(List.of(), 10, 0, 0));
        assertThat(byRole(priced).keySet()).containsExactlyInAnyOrder(Role.PLATFORM, Role.TREASURY, Role.OPERATOR);
        assertThat(priced.payments().stream().mapToLong(Payment::amount).sum()).isEqualTo(priced.pricePico());
    }

    @Test
    void billedUsage_impossibleCounts_areRefused() {
        assertThatThrownBy(() -> usage(List.of(), 10, 11, 0))
                .hasMessage("token counts must be 0 or more, cached ones at most the prompt's: 10 prompt, 11 cached,"
                        + " 0 generated");
    }

    private static Map<Role, Long> byRole(PricedUsage priced) {
        return priced.payments().stream()
                .collect(Collectors.groupingBy(Payment::role, Collectors.summingLong(Payment::amount)));
    }

    private static BilledUsage usage(List<AdapterUsage> adapters, int prompt, int cached, int generated) {
        return new BilledUsage(0, Bytes32.ZERO, adapters, prompt, cached, generated);
    }
}
