// Edit distance between pairs of strings, n times, one row of the table at a time.
#include "kernel.h"

#define LENGTH 200
static uint8_t left[LENGTH], right[LENGTH];
static uint32_t row[LENGTH + 1];

static uint32_t edit_distance(void) {
    for (uint32_t k = 0; k <= LENGTH; k++)
        row[k] = k;
    for (uint32_t i = 0; i < LENGTH; i++) {
        uint32_t diagonal = row[0];
        row[0] = i + 1;
        for (uint32_t j = 0; j < LENGTH; j++) {
            uint32_t best = diagonal + (left[i] != right[j]);
            diagonal = row[j + 1];
            if (diagonal + 1 < best)
                best = diagonal + 1;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            row[j + 1] = best;
        }
    }
    return row[LENGTH];
}

uint32_t run(uint32_t n) {
    uint32_t seed = 6174, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < LENGTH; k++) {
            left[k] = (uint8_t)('a' + (next_random(&seed) >> 10) % 4);
            right[k] = (next_random(&seed) >> 10) % 5 ? left[(k + i) % LENGTH] : 'z';
        }
        sum = fold(sum, edit_distance());
    }
    return sum;
}
