// ChaCha20 key stream of n blocks: sixteen 32-bit values live across the rounds.
#include "kernel.h"

#define QUARTER(a, b, c, d)                                                                                            \
    do {                                                                                                               \
        a += b, d = rotate_left(d ^ a, 16);                                                                            \
        c += d, b = rotate_left(b ^ c, 12);                                                                            \
        a += b, d = rotate_left(d ^ a, 8);                                                                             \
        c += d, b = rotate_left(b ^ c, 7);                                                                             \
    } while (0)

static uint32_t input[16], output[16];

static void key_stream_block(void) {
    uint32_t x0 = input[0], x1 = input[1], x2 = input[2], x3 = input[3];
    uint32_t x4 = input[4], x5 = input[5], x6 = input[6], x7 = input[7];
    uint32_t x8 = input[8], x9 = input[9], x10 = input[10], x11 = input[11];
    uint32_t x12 = input[12], x13 = input[13], x14 = input[14], x15 = input[15];
    for (uint32_t round = 0; round < 10; round++) {
        QUARTER(x0, x4, x8, x12);
        QUARTER(x1, x5, x9, x13);
        QUARTER(x2, x6, x10, x14);
        QUARTER(x3, x7, x11, x15);
        QUARTER(x0, x5, x10, x15);
        QUARTER(x1, x6, x11, x12);
        QUARTER(x2, x7, x8, x13);
        QUARTER(x3, x4, x9, x14);
    }
    output[0] = x0 + input[0], output[1] = x1 + input[1], output[2] = x2 + input[2], output[3] = x3 + input[3];
    output[4] = x4 + input[4], output[5] = x5 + input[5], output[6] = x6 + input[6], output[7] = x7 + input[7];
    output[8] = x8 + input[8], output[9] = x9 + input[9], output[10] = x10 + input[10], output[11] = x11 + input[11];
    output[12] = x12 + input[12], output[13] = x13 + input[13], output[14] = x14 + input[14];
    output[15] = x15 + input[15];
}

uint32_t run(uint32_t n) {
    uint32_t seed = 1, sum = 0;
    input[0] = 0x61707865, input[1] = 0x3320646e, input[2] = 0x79622d32, input[3] = 0x6b206574;
    for (uint32_t k = 4; k < 16; k++)
        input[k] = next_random(&seed);
    for (uint32_t i = 0; i < n; i++) {
        input[12] = i;
        key_stream_block();
        sum = fold(sum, output[0] ^ output[7] ^ output[15]);
    }
    return sum;
}
