// Copy, fill, overlapping move and compare, written as loops over bytes and words.
#include "kernel.h"

#define LENGTH 16384
static uint64_t first[LENGTH / 8], second[LENGTH / 8];

static NOINLINE void fill_bytes(uint8_t *to, uint8_t value, uint32_t length) {
    for (uint32_t k = 0; k < length; k++)
        to[k] = value;
}

static NOINLINE void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t length) {
    for (uint32_t k = 0; k < length; k++)
        to[k] = from[k];
}

static NOINLINE void copy_words(uint64_t *to, const uint64_t *from, uint32_t words) {
    for (uint32_t k = 0; k < words; k++)
        to[k] = from[k];
}

static NOINLINE void move_bytes_up(uint8_t *at, uint32_t by, uint32_t length) {
    for (uint32_t k = length; k-- > 0;)
        at[k + by] = at[k];
}

static NOINLINE uint32_t compare_bytes(const uint8_t *a, const uint8_t *b, uint32_t length) {
    uint32_t k = 0;
    while (k < length && a[k] == b[k])
        k++;
    return k;
}

uint32_t run(uint32_t n) {
    uint8_t *a = (uint8_t *)first, *b = (uint8_t *)second;
    uint32_t sum = 0, seed = 5;
    for (uint32_t k = 0; k < LENGTH; k++)
        a[k] = (uint8_t)next_random(&seed);
    for (uint32_t i = 0; i < n; i++) {
        copy_words(second, first, LENGTH / 8);
        fill_bytes(a + (i * 37) % 8192, (uint8_t)i, 2048);
        sum = fold(sum, compare_bytes(a, b, LENGTH));
        copy_bytes(b + 100, a + 3, LENGTH / 2);
        move_bytes_up(b, 1 + i % 7, LENGTH - 8);
        copy_words(first, second, LENGTH / 8);
    }
    for (uint32_t k = 0; k < LENGTH / 8; k++)
        sum = fold_64(sum, first[k]);
    return sum;
}
