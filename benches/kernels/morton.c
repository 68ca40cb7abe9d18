// Interleaves coordinates into Morton codes and back, and walks an array in that order.
#include "kernel.h"

#define SIDE 256
static uint16_t plane[SIDE * SIDE];

static inline uint32_t widen(uint32_t x) {
    x &= 0xffff;
    x = (x | x << 8) & 0x00ff00ffu;
    x = (x | x << 4) & 0x0f0f0f0fu;
    x = (x | x << 2) & 0x33333333u;
    return (x | x << 1) & 0x55555555u;
}

static inline uint32_t narrow(uint32_t x) {
    x &= 0x55555555u;
    x = (x | x >> 1) & 0x33333333u;
    x = (x | x >> 2) & 0x0f0f0f0fu;
    x = (x | x >> 4) & 0x00ff00ffu;
    return (x | x >> 8) & 0xffff;
}

uint32_t run(uint32_t n) {
    uint32_t sum = 0;
    for (uint32_t k = 0; k < SIDE * SIDE; k++)
        plane[k] = (uint16_t)(k * 40503u >> 3);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++)
                plane[widen(x) | widen(y) << 1] += (uint16_t)(x ^ i);
        for (uint32_t code = 0; code < SIDE * SIDE; code += 3)
            sum += plane[narrow(code) + narrow(code >> 1) * SIDE] ^ code;
    }
    return fold(sum, plane[n & 0xffff]);
}
