// The dense layers' inner loops in C, to judge the Java ones by: the same weights, the same tiles, the same order of
// addition, so results are equal bit for bit. Besides, the two ceilings of a machine.
//
//   gcc -O3 -march=native -shared -fPIC -DLANES=16 panel_twin.c -o libpanel_twin.so
//
// LANES is Lanes.bits() / 32 of the Java process: 16, 8 or 4. A function works on the calling thread alone and keeps
// no state: call it by FFM from the tasks of the same WorkerPool, each with a part of the panels, alternating with
// the Java kernel in one process, because neighbours on a machine change its speed from second to second.
//
//   weights  panels as PanelMatrix lays them out: [panels][depth][LANES] words; a word holds the bf16 of output j in
//            its low half and of output j + LANES in its high half
//   x        panel_gemv: [depth]. panel_gemm: as RowTiles lays it out with depth as one block:
//            [groups of 4 rows][depth][4], the last group [depth][rows left]
//   y        [rows], y_stride floats apart, 2 * LANES * panels floats of each are overwritten
#include <stdint.h>

#ifndef LANES
#error "LANES is missing: -DLANES=16, 8 or 4"
#endif

typedef float vector __attribute__((vector_size(4 * LANES)));
typedef float stored __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t words __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef uint32_t pairs __attribute__((vector_size(4 * LANES)));

static inline vector low(pairs w) { return (vector)(w << 16); }
static inline vector high(pairs w) { return (vector)(w & 0xffff0000u); }
static inline void store(float *to, vector sums) { *(stored *)to = sums; }

// One row times panels, four side by side.
void panel_gemv(const uint32_t *weights, long panels, long depth, const float *x, float *y) {
    long q = 0;
    for (; q + 4 <= panels; q += 4) {
        const words *w = (const words *)weights + q * depth;
        vector sums[8] = {0};
        for (long k = 0; k < depth; k++) {
#pragma GCC unroll 4
            for (int p = 0; p < 4; p++) {
                const pairs both = w[p * depth + k];
                sums[2 * p] += x[k] * low(both);
                sums[2 * p + 1] += x[k] * high(both);
            }
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) store(y + (q * 2 + i) * LANES, sums[i]);
    }
    for (; q < panels; q++) {
        const words *w = (const words *)weights + q * depth;
        vector sums[2] = {0};
        for (long k = 0; k < depth; k++) {
            sums[0] += x[k] * low(w[k]);
            sums[1] += x[k] * high(w[k]);
        }
        store(y + q * 2 * LANES, sums[0]);
        store(y + (q * 2 + 1) * LANES, sums[1]);
    }
}

// How far ahead of its use a tile asks for a line of weights; an address beyond the weights does no harm.
#define AHEAD_BYTES 4096

// A tile of ROWS rows, the first four interleaved in x and the others behind them, times one panel.
#define TILE(ROWS)                                                                                              \
    static void rows##ROWS(const words *w, long depth, const float *x, float *y, long y_stride) {               \
        vector sums[2 * ROWS] = {0};                                                                            \
        const float *second = x + 4 * depth;                                                                    \
        for (long k = 0; k < depth; k++) {                                                                      \
            __builtin_prefetch((const char *)(w + k) + AHEAD_BYTES);                                            \
            const vector lows = low(w[k]), highs = high(w[k]);                                                  \
            _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {                                            \
                const float input = ROWS < 4 ? x[k * ROWS + r]                                                  \
                                    : r < 4  ? x[k * 4 + r]                                                     \
                                             : second[k * (ROWS - 4) + r - 4];                                  \
                sums[2 * r] += input * lows;                                                                    \
                sums[2 * r + 1] += input * highs;                                                               \
            }                                                                                                   \
        }                                                                                                       \
        _Pragma("GCC unroll 8") for (int r = 0; r < ROWS; r++) {                                                \
            store(y + r * y_stride, sums[2 * r]);                                                               \
            store(y + r * y_stride + LANES, sums[2 * r + 1]);                                                   \
        }                                                                                                       \
    }
TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6) TILE(7) TILE(8)

// Any number of rows times panels: tiles of 8 rows with 16 lanes, of 4 with fewer, and what remains.
void panel_gemm(const uint32_t *weights, long panels, long depth, const float *x, long rows, float *y, long y_stride) {
    const long highest = LANES == 16 ? 8 : 4;
    for (long q = 0; q < panels; q++) {
        const words *w = (const words *)weights + q * depth;
        for (long r = 0; r < rows; r += highest) {
            const float *inputs = x + r * depth;
            float *sums = y + r * y_stride + q * 2 * LANES;
            switch (rows - r < highest ? rows - r : highest) {
                case 1: rows1(w, depth, inputs, sums, y_stride); break;
                case 2: rows2(w, depth, inputs, sums, y_stride); break;
                case 3: rows3(w, depth, inputs, sums, y_stride); break;
                case 4: rows4(w, depth, inputs, sums, y_stride); break;
                case 5: rows5(w, depth, inputs, sums, y_stride); break;
                case 6: rows6(w, depth, inputs, sums, y_stride); break;
                case 7: rows7(w, depth, inputs, sums, y_stride); break;
                default: rows8(w, depth, inputs, sums, y_stride);
            }
        }
    }
}

// Ceiling of one row: reads `bytes` bytes, a multiple of 16 * LANES, and returns their sum so that none is left out.
uint32_t panel_read(const uint32_t *from, long bytes) {
    pairs sums[4] = {0};
    const words *w = (const words *)from;
    for (long i = 0; i < bytes / (long)sizeof(words); i += 4) {
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) sums[p] += w[i + p];
    }
    const pairs all = sums[0] + sums[1] + sums[2] + sums[3];
    uint32_t sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += all[lane];
    return sum;
}

// Ceiling of many rows: `steps` times 12 independent fused multiply-adds, 24 * LANES * steps operations.
float panel_fma(long steps, float factor) {
    vector sums[12];
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) sums[i] = (vector){0} + (float)i;
    const vector factors = (vector){0} + factor, added = factors * 0.5f;
    for (long n = 0; n < steps; n++) {
#pragma GCC unroll 12
        for (int i = 0; i < 12; i++) {
            sums[i] = sums[i] * factors + added;
            __asm__("" : "+v"(sums[i]));
        }
    }
    float sum = 0;
#pragma GCC unroll 12
    for (int i = 0; i < 12; i++) sum += sums[i][0];
    return sum;
}
