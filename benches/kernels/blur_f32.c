// A five-tap blur over an f32 image, rows then columns, n times; ends as bytes.
#include "kernel.h"

#define SIDE 160
static float image[SIDE][SIDE], rows[SIDE][SIDE];

static inline uint32_t inside(int32_t at) {
    return at < 0 ? 0 : at >= SIDE ? SIDE - 1 : (uint32_t)at;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 31337;
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            image[y][x] = (float)(next_random(&seed) & 255);
    for (uint32_t i = 0; i < n; i++) {
        for (int32_t y = 0; y < SIDE; y++)
            for (int32_t x = 0; x < SIDE; x++) {
                const float *row = image[y];
                rows[y][x] = 0.0625f * (row[inside(x - 2)] + row[inside(x + 2)]) +
                             0.25f * (row[inside(x - 1)] + row[inside(x + 1)]) + 0.375f * row[x];
            }
        for (int32_t y = 0; y < SIDE; y++) {
            const float *above2 = rows[inside(y - 2)], *above = rows[inside(y - 1)], *here = rows[y];
            const float *below = rows[inside(y + 1)], *below2 = rows[inside(y + 2)];
            for (int32_t x = 0; x < SIDE; x++)
                image[y][x] = 0.0625f * (above2[x] + below2[x]) + 0.25f * (above[x] + below[x]) + 0.375f * here[x];
        }
    }
    uint32_t sum = 0;
    for (uint32_t y = 0; y < SIDE; y++)
        for (uint32_t x = 0; x < SIDE; x++)
            sum = fold(sum, (uint8_t)(int32_t)(image[y][x] + 0.5f));
    return sum;
}
