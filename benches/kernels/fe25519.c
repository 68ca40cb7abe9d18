// Products modulo 2^255 - 19 in five limbs of 51 bits: wide multiply-accumulate and carries.
#include "kernel.h"

#define LIMB_MASK 0x7ffffffffffffULL

typedef struct {
    uint64_t low, high;
} Wide;

static inline void accumulate(Wide *sum, uint64_t a, uint64_t b) {
    uint64_t high;
    uint64_t low = multiply_wide(a, b, &high);
    sum->low += low;
    sum->high += high + (sum->low < low);
}

static inline uint64_t shift_51(Wide value) {
    return (value.high << 13) | (value.low >> 51);
}

static inline void add_small(Wide *sum, uint64_t value) {
    sum->low += value;
    sum->high += sum->low < value;
}

static void multiply(uint64_t out[5], const uint64_t a[5], const uint64_t b[5]) {
    uint64_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3], a4 = a[4];
    uint64_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3], b4 = b[4];
    uint64_t c1 = 19 * b1, c2 = 19 * b2, c3 = 19 * b3, c4 = 19 * b4;
    Wide r0 = {0, 0}, r1 = {0, 0}, r2 = {0, 0}, r3 = {0, 0}, r4 = {0, 0};
    accumulate(&r0, a0, b0), accumulate(&r0, a1, c4), accumulate(&r0, a2, c3), accumulate(&r0, a3, c2);
    accumulate(&r0, a4, c1);
    accumulate(&r1, a0, b1), accumulate(&r1, a1, b0), accumulate(&r1, a2, c4), accumulate(&r1, a3, c3);
    accumulate(&r1, a4, c2);
    accumulate(&r2, a0, b2), accumulate(&r2, a1, b1), accumulate(&r2, a2, b0), accumulate(&r2, a3, c4);
    accumulate(&r2, a4, c3);
    accumulate(&r3, a0, b3), accumulate(&r3, a1, b2), accumulate(&r3, a2, b1), accumulate(&r3, a3, b0);
    accumulate(&r3, a4, c4);
    accumulate(&r4, a0, b4), accumulate(&r4, a1, b3), accumulate(&r4, a2, b2), accumulate(&r4, a3, b1);
    accumulate(&r4, a4, b0);
    add_small(&r1, shift_51(r0));
    add_small(&r2, shift_51(r1));
    add_small(&r3, shift_51(r2));
    add_small(&r4, shift_51(r3));
    uint64_t low = (r0.low & LIMB_MASK) + 19 * shift_51(r4);
    out[0] = low & LIMB_MASK;
    out[1] = (r1.low & LIMB_MASK) + (low >> 51);
    out[2] = r2.low & LIMB_MASK, out[3] = r3.low & LIMB_MASK, out[4] = r4.low & LIMB_MASK;
}

uint32_t run(uint32_t n) {
    static uint64_t x[5], y[5];
    for (uint32_t k = 0; k < 5; k++)
        x[k] = (0x123456789abcd + 7 * k) & LIMB_MASK, y[k] = (0x3dcba98765432 - 5 * k) & LIMB_MASK;
    for (uint32_t i = 0; i < n; i++) {
        multiply(x, x, y);
        multiply(y, y, y);
    }
    uint32_t sum = 0;
    for (uint32_t k = 0; k < 5; k++)
        sum = fold_64(fold_64(sum, x[k]), y[k]);
    return sum;
}
