// Horspool's search for patterns of several lengths in 32 KiB of text, n times.
#include "kernel.h"

#define LENGTH 32768
static uint8_t text[LENGTH];
static uint32_t shift_of[256];

static uint32_t count(const uint8_t *pattern, uint32_t length) {
    for (uint32_t k = 0; k < 256; k++)
        shift_of[k] = length;
    for (uint32_t k = 0; k + 1 < length; k++)
        shift_of[pattern[k]] = length - 1 - k;
    uint32_t found = 0;
    for (uint32_t at = 0; at + length <= LENGTH;) {
        uint8_t last = text[at + length - 1];
        uint32_t k = length - 1;
        if (last == pattern[k]) {
            while (k && text[at + k - 1] == pattern[k - 1])
                k--;
            found += k == 0;
        }
        at += shift_of[last];
    }
    return found;
}

uint32_t run(uint32_t n) {
    static uint8_t pattern[16];
    uint32_t seed = 2001, sum = 0;
    for (uint32_t k = 0; k < LENGTH; k++) {
        uint32_t x = next_random(&seed) >> 20;
        text[k] = (uint8_t)(x & 3 ? 'a' + (x >> 4) % 5 : 'f' + (x >> 4) % 20);
    }
    for (uint32_t i = 0; i < n; i++) {
        // The pattern comes from the text, so there is at least one match.
        uint32_t length = 2 + i % 10, from = (i * 4099) % (LENGTH - 16);
        for (uint32_t k = 0; k < length; k++)
            pattern[k] = text[from + k];
        sum = fold(sum, count(pattern, length));
    }
    return sum;
}
