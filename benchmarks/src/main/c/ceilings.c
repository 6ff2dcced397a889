// What this machine can do at most, in C: the read bandwidth and the arithmetic peaks that the Java probes are
// checked against. Compiled on the machine that is measured:
//
//   cc -O3 -march=native -shared -fPIC ceilings.c -o ceilings.so
//
// Each function keeps one thread busy; the caller starts the threads and takes the time.
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AMX_BF16__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

// Sum of the 64-bit words of `bytes` bytes (a multiple of 256, 64-byte aligned), which every byte must be read for.
int64_t openlora_read(const char *memory, int64_t bytes) {
#if defined(__AVX512F__)
    __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
    for (int64_t i = 0; i < bytes; i += 256) {
        a = _mm512_add_epi64(a, _mm512_load_si512(memory + i));
        b = _mm512_add_epi64(b, _mm512_load_si512(memory + i + 64));
        c = _mm512_add_epi64(c, _mm512_load_si512(memory + i + 128));
        d = _mm512_add_epi64(d, _mm512_load_si512(memory + i + 192));
    }
    return _mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
#else
    int64_t sum = 0;
    for (int64_t i = 0; i < bytes; i += 8) {
        int64_t word;
        memcpy(&word, memory + i, 8);
        sum += word;
    }
    return sum;
#endif
}

// Twelve accumulators by name: an array of them would be kept in memory.
#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

// Floating-point operations of one step of openlora_fma; 0 where the processor has no vectors known here.
int64_t openlora_fma_flops(void) {
#if defined(__AVX512F__)
    return 12 * 16 * 2;
#elif defined(__FMA__)
    return 12 * 8 * 2;
#else
    return 0;
#endif
}

// Twelve chains of f32 fused multiply-adds: more than latency times ports needs, fewer than registers.
float openlora_fma(int64_t steps) {
#if defined(__AVX512F__)
    __m512 x = _mm512_set1_ps(0.999f), y = _mm512_set1_ps(0.5f);
#define DECLARE(i) __m512 a##i = _mm512_set1_ps((float)i);
#define STEP(i) __asm__ volatile("vfmadd213ps %2, %1, %0" : "+v"(a##i) : "v"(x), "v"(y));
#define SUM(i) sum = _mm512_add_ps(sum, a##i);
    EACH(DECLARE)
    for (int64_t n = 0; n < steps; n++) {
        EACH(STEP)
    }
    __m512 sum = _mm512_setzero_ps();
    EACH(SUM)
#undef DECLARE
#undef STEP
#undef SUM
    return _mm512_reduce_add_ps(sum);
#elif defined(__FMA__)
    __m256 x = _mm256_set1_ps(0.999f), y = _mm256_set1_ps(0.5f);
#define DECLARE(i) __m256 a##i = _mm256_set1_ps((float)i);
#define STEP(i) __asm__ volatile("vfmadd213ps %2, %1, %0" : "+x"(a##i) : "x"(x), "x"(y));
#define SUM(i) sum = _mm256_add_ps(sum, a##i);
    EACH(DECLARE)
    for (int64_t n = 0; n < steps; n++) {
        EACH(STEP)
    }
    __m256 sum = _mm256_setzero_ps();
    EACH(SUM)
#undef DECLARE
#undef STEP
#undef SUM
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + lanes[4] + lanes[5] + lanes[6] + lanes[7];
#else
    return (float)steps;
#endif
}

// Operations of one step of openlora_bf16; 0 where the processor does not multiply bf16.
int64_t openlora_bf16_flops(void) {
#if defined(__AMX_BF16__) && defined(__linux__)
    // arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA): Linux gives the tile registers only on request.
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0 ? 4 * 16 * 16 * 32 * 2 : 0;
#elif defined(__AVX512BF16__)
    return 12 * 16 * 2 * 2;
#else
    return 0;
#endif
}

// AMX: four independent tile products; AVX-512: twelve chains of vdpbf16ps. Only where openlora_bf16_flops is not 0.
float openlora_bf16(int64_t steps) {
#if defined(__AMX_BF16__) && defined(__linux__)
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t column_bytes[16];
        uint8_t rows[16];
    } __attribute__((packed)) config = {.palette = 1};
    for (int i = 0; i < 8; i++) {
        config.column_bytes[i] = 64;
        config.rows[i] = 16;
    }
    _tile_loadconfig(&config);
    _tile_zero(0); _tile_zero(1); _tile_zero(2); _tile_zero(3);
    _tile_zero(4); _tile_zero(5); _tile_zero(6); _tile_zero(7);
    for (int64_t n = 0; n < steps; n++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return (float)steps;
#elif defined(__AVX512BF16__)
    __m512i x = _mm512_set1_epi32(0x3f003f00), y = _mm512_set1_epi32(0x3e003e00);
#define DECLARE(i) __m512 a##i = _mm512_set1_ps((float)i);
#define STEP(i) __asm__ volatile("vdpbf16ps %2, %1, %0" : "+v"(a##i) : "v"(x), "v"(y));
#define SUM(i) sum = _mm512_add_ps(sum, a##i);
    EACH(DECLARE)
    for (int64_t n = 0; n < steps; n++) {
        EACH(STEP)
    }
    __m512 sum = _mm512_setzero_ps();
    EACH(SUM)
#undef DECLARE
#undef STEP
#undef SUM
    return _mm512_reduce_add_ps(sum);
#else
    return (float)steps;
#endif
}
