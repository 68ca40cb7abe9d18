// Conway's Game of Life on a torus of bytes for n generations: nine loads per cell.
#include "kernel.h"

#define SIDE 128
static uint8_t cells[2][SIDE][SIDE];

uint32_t run(uint32_t n) {
    uint32_t seed = 1970;
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            cells[0][y][x] = (next_random(&seed) >> 9) % 3 == 0;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t(*now)[SIDE] = cells[i & 1], (*next)[SIDE] = cells[~i & 1];
        for (uint32_t y = 0; y < SIDE; y++) {
            const uint8_t *up = now[(y - 1) & (SIDE - 1)], *here = now[y], *down = now[(y + 1) & (SIDE - 1)];
            for (uint32_t x = 0; x < SIDE; x++) {
                uint32_t left = (x - 1) & (SIDE - 1), right = (x + 1) & (SIDE - 1);
                uint32_t around = up[left] + up[x] + up[right] + here[left] + here[right] + down[left] + down[x] +
                                  down[right];
                next[y][x] = around == 3 || (around == 2 && here[x]);
            }
        }
    }
    uint32_t sum = 0;
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            sum = fold(sum, cells[n & 1][y][x]);
    return sum;
}
