// Base64 there and back, n times over 12 KiB: byte loads, table look-ups and byte stores.
#include "kernel.h"

#define LENGTH 12288
static uint8_t plain[LENGTH], coded[LENGTH / 3 * 4], decoded[LENGTH], value_of[256];

static const uint8_t ALPHABET[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(void) {
    uint32_t out = 0;
    for (uint32_t k = 0; k < LENGTH; k += 3) {
        uint32_t three = (uint32_t)plain[k] << 16 | (uint32_t)plain[k + 1] << 8 | plain[k + 2];
        coded[out++] = ALPHABET[three >> 18];
        coded[out++] = ALPHABET[three >> 12 & 63];
        coded[out++] = ALPHABET[three >> 6 & 63];
        coded[out++] = ALPHABET[three & 63];
    }
}

static uint32_t decode(void) {
    uint32_t out = 0, invalid = 0;
    for (uint32_t k = 0; k < LENGTH / 3 * 4; k += 4) {
        uint32_t a = value_of[coded[k]], b = value_of[coded[k + 1]];
        uint32_t c = value_of[coded[k + 2]], d = value_of[coded[k + 3]];
        invalid |= a | b | c | d;
        decoded[out++] = (uint8_t)(a << 2 | b >> 4);
        decoded[out++] = (uint8_t)(b << 4 | c >> 2);
        decoded[out++] = (uint8_t)(c << 6 | d);
    }
    return invalid & 0xc0;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 64, sum = 0;
    for (uint32_t k = 0; k < 256; k++)
        value_of[k] = 0xff;
    for (uint32_t k = 0; k < 64; k++)
        value_of[ALPHABET[k]] = (uint8_t)k;
    for (uint32_t k = 0; k < LENGTH; k++)
        plain[k] = (uint8_t)next_random(&seed);
    for (uint32_t i = 0; i < n; i++) {
        plain[i % LENGTH] ^= (uint8_t)i;
        encode();
        uint32_t invalid = decode();
        sum = fold(sum, coded[(i * 31) % sizeof coded] + decoded[(i * 17) % LENGTH] + invalid);
    }
    for (uint32_t k = 0; k < LENGTH; k++)
        sum = fold(sum, (uint32_t)(decoded[k] ^ plain[k]));
    return sum;
}
