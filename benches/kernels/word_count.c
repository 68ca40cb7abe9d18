// Splits text into words, lowers their case and counts them in a hash table of strings.
#include "kernel.h"

#define LENGTH 16384
#define SLOTS 1024
typedef struct {
    const uint8_t *start;
    uint32_t length, count;
} Word;

static uint8_t text[LENGTH + 16];
static Word words[SLOTS];

static inline uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static void write_text(void) {
    uint32_t seed = 1234567, at = 0;
    while (at < LENGTH) {
        uint32_t x = next_random(&seed) >> 8;
        // The square of a small number favours the first words.
        uint32_t rank = (x % 20) * (x / 32 % 20), length = 2 + rank % 8;
        for (uint32_t k = 0; k < length && at < LENGTH; k++)
            text[at++] = (uint8_t)((k == 0 && x & 1024 ? 'A' : 'a') + (rank * (k + 3)) % 26);
        text[at++] = x & 2048 ? ' ' : x & 4096 ? ',' : '\n';
    }
}

static void add_word(const uint8_t *start, uint32_t length) {
    uint32_t hash = 2166136261u;
    for (uint32_t k = 0; k < length; k++)
        hash = (hash ^ lower(start[k])) * 16777619u;
    for (uint32_t at = hash & (SLOTS - 1);; at = (at + 1) & (SLOTS - 1)) {
        Word *word = &words[at];
        if (!word->length) {
            word->start = start, word->length = length, word->count = 1;
            return;
        }
        if (word->length == length) {
            uint32_t k = 0;
            while (k < length && lower(word->start[k]) == lower(start[k]))
                k++;
            if (k == length) {
                word->count++;
                return;
            }
        }
    }
}

uint32_t run(uint32_t n) {
    uint32_t sum = 0;
    write_text();
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < SLOTS; k++)
            words[k].length = 0, words[k].count = 0;
        uint32_t start = 0;
        for (uint32_t at = 0; at < LENGTH; at++) {
            uint8_t c = lower(text[at]);
            if (c >= 'a' && c <= 'z')
                continue;
            if (at > start)
                add_word(text + start, at - start);
            start = at + 1;
        }
        for (uint32_t k = 0; k < SLOTS; k++)
            sum = fold(sum, words[k].count * 16 + words[k].length);
    }
    return sum;
}
