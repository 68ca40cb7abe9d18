// Random numbers counted into 1024 bins: read-modify-write at scattered places.
#include "kernel.h"

static uint32_t bins[1024];

uint32_t run(uint32_t n) {
    for (uint32_t k = 0; k < 1024; k++)
        bins[k] = 0;
    uint32_t state = 2463534242u;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = next_random(&state);
        bins[(x ^ (x >> 16)) & 1023]++;
    }
    uint32_t sum = 0;
    for (uint32_t k = 0; k < 1024; k++)
        sum = fold(sum, bins[k]);
    return sum;
}
