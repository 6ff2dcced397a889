package org.openlora.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class KvCacheSizeTest {
    @Test
    void bytes_configured_isTaken() {
        assertThat(KvCacheSize.bytes(256)).isEqualTo(256L << 20);
    }

    @Test
    void share_ofWhatIsAvailable_isAQuarterWithinBounds() {
        assertThat(KvCacheSize.share(8L << 30)).isEqualTo(2L << 30);
        assertThat(KvCacheSize.share(100L << 20)).isEqualTo(64L << 20);
        assertThat(KvCacheSize.share(100L << 30)).isEqualTo(4L << 30);
    }

    @Test
    void available_meminfo_countsThePageCache() {
        List<String> meminfo = List.of("MemTotal:       16318464 kB", "MemAvailable:    1024 kB");
        assertThat(KvCacheSize.available(meminfo, 7)).isEqualTo(1 << 20);
        assertThat(KvCacheSize.available(List.of(), 7)).isEqualTo(7);
    }
}
