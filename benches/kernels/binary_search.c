// Binary searches in a sorted array of 50 000 keys: unpredictable compares.
#include "kernel.h"

#define LENGTH 50000
static uint32_t keys[LENGTH];

static uint32_t lower_bound(uint32_t key) {
    uint32_t low = 0, high = LENGTH;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 404, key = 0, sum = 0;
    for (uint32_t k = 0; k < LENGTH; k++) {
        key += 1 + (next_random(&seed) >> 16);
        keys[k] = key;
    }
    for (uint32_t i = 0; i < n; i++)
        sum = fold(sum, lower_bound(next_random(&seed) % key));
    return sum;
}
