// Transposes a 256 by 256 matrix of i32 in tiles, and rotates it, n times.
#include "kernel.h"

#define SIDE 256
#define TILE 16
static uint32_t from[SIDE * SIDE], to[SIDE * SIDE];

uint32_t run(uint32_t n) {
    for (uint32_t k = 0; k < SIDE * SIDE; k++)
        from[k] = k * 2654435761u;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t y0 = 0; y0 < SIDE; y0 += TILE)
            for (uint32_t x0 = 0; x0 < SIDE; x0 += TILE)
                for (uint32_t y = y0; y < y0 + TILE; y++)
                    for (uint32_t x = x0; x < x0 + TILE; x++)
                        to[x * SIDE + y] = from[y * SIDE + x] + i;
        for (uint32_t y = 0; y < SIDE; y++)
            for (uint32_t x = 0; x < SIDE; x++)
                from[y * SIDE + x] = to[y * SIDE + SIDE - 1 - x];
    }
    uint32_t sum = 0;
    for (uint32_t k = 0; k < SIDE * SIDE; k += 7)
        sum = fold(sum, from[k]);
    return sum;
}
