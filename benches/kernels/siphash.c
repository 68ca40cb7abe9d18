// SipHash-2-4 of many short strings: 64-bit mixing with a byte-wise tail.
#include "kernel.h"

static uint8_t text[4096];

#define SIP_ROUND                                                                                                      \
    do {                                                                                                               \
        v0 += v1, v1 = rotate_right_64(v1, 51) ^ v0, v0 = rotate_right_64(v0, 32);                                     \
        v2 += v3, v3 = rotate_right_64(v3, 48) ^ v2;                                                                   \
        v0 += v3, v3 = rotate_right_64(v3, 43) ^ v0;                                                                   \
        v2 += v1, v1 = rotate_right_64(v1, 47) ^ v2, v2 = rotate_right_64(v2, 32);                                     \
    } while (0)

static uint64_t hash(const uint8_t *bytes, uint32_t length, uint64_t k0, uint64_t k1) {
    uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
    uint64_t v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
    uint32_t at = 0;
    for (; at + 8 <= length; at += 8) {
        uint64_t word = 0;
        for (uint32_t k = 0; k < 8; k++)
            word |= (uint64_t)bytes[at + k] << (8 * k);
        v3 ^= word;
        SIP_ROUND;
        SIP_ROUND;
        v0 ^= word;
    }
    uint64_t tail = (uint64_t)length << 56;
    for (uint32_t k = 0; at + k < length; k++)
        tail |= (uint64_t)bytes[at + k] << (8 * k);
    v3 ^= tail;
    SIP_ROUND;
    SIP_ROUND;
    v0 ^= tail;
    v2 ^= 0xff;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    SIP_ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 99, sum = 0;
    for (uint32_t k = 0; k < sizeof text; k++)
        text[k] = (uint8_t)next_random(&seed);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t length = i % 61;
        sum = fold_64(sum, hash(text + (i * 67) % 4000, length, i, ~(uint64_t)i));
    }
    return sum;
}
