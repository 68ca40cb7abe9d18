// Population counts, leading and trailing zeros, rotates and bit reversal on 32 and 64 bits.
#include "kernel.h"

static uint32_t reverse(uint32_t x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
    return x >> 16 | x << 16;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 128, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = next_random(&seed) | 1;
        uint64_t y = (uint64_t)x << 32 | reverse(x);
        sum += (uint32_t)__builtin_popcount(x) + (uint32_t)__builtin_popcountll(y ^ (y >> 7));
        sum = rotate_left(sum, (uint32_t)__builtin_clz(x));
        sum ^= (uint32_t)__builtin_ctzll(y & (0 - y) << 3);
        sum += (uint32_t)__builtin_clzll(y >> (x >> 27)) + (uint32_t)rotate_right_64(y, x & 63);
    }
    return sum;
}
