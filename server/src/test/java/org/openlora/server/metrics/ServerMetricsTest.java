package org.openlora.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.openlora.engine.EngineStats;

class ServerMetricsTest {
    private static final String LABELS = "{engine=\"0\",model_name=\"base\"} ";

    private final AtomicLong steps = new AtomicLong();
    private final ServerMetrics metrics =
            new ServerMetrics("base", () -> Instant.ofEpochSecond(1_700_000_000), System::nanoTime);

    private EngineStats engine() {
        return new EngineStats(3, 2, steps.get(), 100, 28, 50, 1, 7, 8, 9, 25, 4, 100);
    }

    @Test
    void scrape_engine_hasTheNamesThatGatewaysRead() {
        metrics.watchEngine(this::engine, 16);

        assertThat(metrics.scrape("").text().lines())
                .contains(
                        "vllm:num_requests_running" + LABELS + "2.0",
                        "vllm:num_requests_waiting" + LABELS + "3.0",
                        "vllm:kv_cache_usage_perc" + LABELS + "0.75",
                        "vllm:prompt_tokens_total" + LABELS + "128.0",
                        "vllm:generation_tokens_total" + LABELS + "50.0",
                        "vllm:prefix_cache_queries_total" + LABELS + "128.0",
                        "vllm:prefix_cache_hits_total" + LABELS + "28.0",
                        "vllm:num_preemptions_total" + LABELS + "1.0",
                        "openlora_wrong_slots_total" + LABELS + "7.0",
                        "openlora_wrong_rows_total" + LABELS + "8.0",
                        "openlora_corrupt_weights_total" + LABELS + "9.0",
                        "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"100\"} 1.0");
    }

    @Test
    void scrape_counters_moveAndSurviveTheGarbageCollector() {
        metrics.watchEngine(() -> engine(), 16);
        assertThat(metrics.scrape("").text()).contains("openlora_engine_steps_total" + LABELS + "0.0");

        steps.set(41);
        System.gc();

        assertThat(metrics.scrape("").text()).contains("openlora_engine_steps_total" + LABELS + "41.0");
    }

    @Test
    void scrape_openMetricsAccepted_isOpenMetrics() {
        metrics.watchEngine(this::engine, 16);

        ServerMetrics.Scrape scrape = metrics.scrape("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");

        assertThat(scrape.contentType()).startsWith("application/openmetrics-text");
        assertThat(scrape.text())
                .endsWith("# EOF\n")
                .contains("vllm:num_requests_running" + LABELS + "2.0")
                .contains("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"100\"} 1.0");
    }

    @Test
    void activeAdapters_requestsComeAndGo_areListedWhileOneHoldsThem() {
        ActiveAdapters active = new ActiveAdapters();
        ActiveAdapters.Use first = active.waiting("b");
        ActiveAdapters.Use second = active.waiting("b");
        ActiveAdapters.Use third = active.waiting("a");
        assertThat(active.waitingNames()).isEqualTo("a,b");
        assertThat(active.runningNames()).isEmpty();

        first.run();
        second.run();
        third.end();
        assertThat(active.waitingNames()).isEmpty();
        assertThat(active.runningNames()).isEqualTo("b");

        first.end();
        first.end();
        assertThat(active.runningNames()).isEqualTo("b");
        second.end();
        assertThat(active.runningNames()).isEmpty();
    }

    @Test
    void loraRequests_isOneSeriesWhoseValueIsTheTime() {
        ActiveAdapters active = new ActiveAdapters();
        active.waiting("cold");
        active.waiting("warm").run();

        InfoSeries.Series series =
                InfoSeries.loraRequests(16, active, () -> Instant.EPOCH.plus(Duration.ofMillis(1500)));

        assertThat(series.value()).isEqualTo(1.5);
        assertThat(List.of(
                        series.labels().get("max_lora"),
                        series.labels().get("running_lora_adapters"),
                        series.labels().get("waiting_lora_adapters")))
                .containsExactly("16", "warm", "cold");
    }
}
