// BLAKE2b over a message of n blocks: 64-bit adds and rotates with many live values.
#include "kernel.h"

static const uint64_t START[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

static const uint8_t ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint64_t hash[8], message[16];

#define MIX(a, b, c, d, x, y)                                                                                          \
    do {                                                                                                               \
        a += b + (x), d = rotate_right_64(d ^ a, 32);                                                                  \
        c += d, b = rotate_right_64(b ^ c, 24);                                                                        \
        a += b + (y), d = rotate_right_64(d ^ a, 16);                                                                  \
        c += d, b = rotate_right_64(b ^ c, 63);                                                                        \
    } while (0)

static void compress(uint64_t total_bytes, uint64_t last) {
    uint64_t v0 = hash[0], v1 = hash[1], v2 = hash[2], v3 = hash[3];
    uint64_t v4 = hash[4], v5 = hash[5], v6 = hash[6], v7 = hash[7];
    uint64_t v8 = START[0], v9 = START[1], v10 = START[2], v11 = START[3];
    uint64_t v12 = START[4] ^ total_bytes, v13 = START[5], v14 = START[6] ^ last, v15 = START[7];
    for (uint32_t round = 0; round < 12; round++) {
        const uint8_t *s = ORDER[round < 10 ? round : round - 10];
        MIX(v0, v4, v8, v12, message[s[0]], message[s[1]]);
        MIX(v1, v5, v9, v13, message[s[2]], message[s[3]]);
        MIX(v2, v6, v10, v14, message[s[4]], message[s[5]]);
        MIX(v3, v7, v11, v15, message[s[6]], message[s[7]]);
        MIX(v0, v5, v10, v15, message[s[8]], message[s[9]]);
        MIX(v1, v6, v11, v12, message[s[10]], message[s[11]]);
        MIX(v2, v7, v8, v13, message[s[12]], message[s[13]]);
        MIX(v3, v4, v9, v14, message[s[14]], message[s[15]]);
    }
    hash[0] ^= v0 ^ v8, hash[1] ^= v1 ^ v9, hash[2] ^= v2 ^ v10, hash[3] ^= v3 ^ v11;
    hash[4] ^= v4 ^ v12, hash[5] ^= v5 ^ v13, hash[6] ^= v6 ^ v14, hash[7] ^= v7 ^ v15;
}

// The first word of the 64-byte, unkeyed digest of n blocks; block i, word k holds i * 16 + k.
uint32_t run(uint32_t n) {
    for (uint32_t k = 0; k < 8; k++)
        hash[k] = START[k];
    hash[0] ^= 0x01010040;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < 16; k++)
            message[k] = (uint64_t)i * 16 + k;
        compress((uint64_t)(i + 1) * 128, i + 1 == n ? ~(uint64_t)0 : 0);
    }
    return (uint32_t)hash[0];
}
