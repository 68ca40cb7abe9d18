// Packs numbers into a stream of variable-length (Elias gamma) codes and reads them back.
#include "kernel.h"

#define NUMBERS 4096
static uint32_t numbers[NUMBERS];
static uint8_t stream[NUMBERS * 5];

static uint32_t write_codes(void) {
    uint64_t held = 0;
    uint32_t held_bits = 0, out = 0;
    for (uint32_t k = 0; k < NUMBERS; k++) {
        uint32_t bits = 32 - (uint32_t)__builtin_clz(numbers[k]);
        held = held << (2 * bits - 1) | numbers[k];
        held_bits += 2 * bits - 1;
        while (held_bits >= 8) {
            held_bits -= 8;
            stream[out++] = (uint8_t)(held >> held_bits);
        }
    }
    stream[out++] = (uint8_t)(held << (8 - held_bits));
    return out;
}

static uint32_t read_codes(void) {
    uint32_t wrong = 0, at = 0;
    for (uint32_t k = 0; k < NUMBERS; k++) {
        uint32_t zeros = 0;
        while (!(stream[at >> 3] >> (7 - (at & 7)) & 1))
            zeros++, at++;
        uint32_t value = 0;
        for (uint32_t bit = 0; bit <= zeros; bit++, at++)
            value = value << 1 | (stream[at >> 3] >> (7 - (at & 7)) & 1);
        wrong += value != numbers[k];
    }
    return wrong;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 33, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < NUMBERS; k++) {
            uint32_t x = next_random(&seed);
            numbers[k] = ((x & 0x7fff) >> (x >> 28)) + 1;
        }
        uint32_t length = write_codes();
        sum = fold(fold(sum, length), stream[length / 2]);
        sum = fold(sum, read_codes());
    }
    return sum;
}
