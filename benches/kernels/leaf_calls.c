// Tiny leaf functions called from a hot loop: what an inliner can win back.
#include "kernel.h"

static NOINLINE uint32_t clamp(uint32_t value, uint32_t low, uint32_t high) {
    return value < low ? low : value > high ? high : value;
}

static NOINLINE uint32_t blend(uint32_t a, uint32_t b, uint32_t weight) {
    return (a * weight + b * (256 - weight)) >> 8;
}

static NOINLINE uint32_t spread(uint32_t x) {
    return rotate_left(x * 0x85ebca6bu, 13) ^ (x >> 7);
}

uint32_t run(uint32_t n) {
    uint32_t x = 12345, y = 777, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        x = spread(x + i);
        y = blend(x & 0xffff, y, i & 255);
        sum += clamp(y, 1000, 50000);
    }
    return fold(sum, x);
}
