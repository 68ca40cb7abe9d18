// Montgomery products modulo a 256-bit prime (BN254's): 64-bit wide multiplication from half products.
#include "kernel.h"

static const uint64_t PRIME[4] = {0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029};

// Adds a * b and carry to *word and gives the carry out; the sum fits 128 bits.
static inline uint64_t multiply_add(uint64_t *word, uint64_t a, uint64_t b, uint64_t carry) {
    uint64_t high;
    uint64_t low = multiply_wide(a, b, &high);
    low += carry;
    high += low < carry;
    uint64_t sum = *word + low;
    high += sum < low;
    *word = sum;
    return high;
}

// out = a * b / 2^256 mod PRIME, interleaving each row with its reduction.
static void multiply(uint64_t out[4], const uint64_t a[4], const uint64_t b[4], uint64_t inverse) {
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0;
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t row = b[i];
        uint64_t carry = multiply_add(&t0, a[0], row, 0);
        carry = multiply_add(&t1, a[1], row, carry);
        carry = multiply_add(&t2, a[2], row, carry);
        carry = multiply_add(&t3, a[3], row, carry);
        uint64_t top = t4 + carry;
        uint64_t factor = t0 * inverse;
        carry = multiply_add(&t0, factor, PRIME[0], 0);
        carry = multiply_add(&t1, factor, PRIME[1], carry);
        carry = multiply_add(&t2, factor, PRIME[2], carry);
        carry = multiply_add(&t3, factor, PRIME[3], carry);
        t0 = t1, t1 = t2, t2 = t3;
        t3 = top + carry;
        t4 = t3 < carry;
    }
    // One conditional subtraction brings the result below the prime.
    uint64_t d0 = t0 - PRIME[0], borrow = t0 < PRIME[0];
    uint64_t d1 = t1 - PRIME[1] - borrow;
    borrow = t1 < PRIME[1] || (t1 == PRIME[1] && borrow);
    uint64_t d2 = t2 - PRIME[2] - borrow;
    borrow = t2 < PRIME[2] || (t2 == PRIME[2] && borrow);
    uint64_t d3 = t3 - PRIME[3] - borrow;
    borrow = t3 < PRIME[3] || (t3 == PRIME[3] && borrow);
    int below = borrow && !t4;
    out[0] = below ? t0 : d0, out[1] = below ? t1 : d1;
    out[2] = below ? t2 : d2, out[3] = below ? t3 : d3;
}

uint32_t run(uint32_t n) {
    static uint64_t x[4], y[4];
    uint64_t inverse = 1;
    for (uint32_t k = 0; k < 6; k++)
        inverse *= 2 - PRIME[0] * inverse;
    inverse = 0 - inverse;
    for (uint32_t k = 0; k < 4; k++)
        x[k] = 0x0123456789abcdef >> k, y[k] = 0x0fedcba987654321 >> (2 * k);
    for (uint32_t i = 0; i < n; i++) {
        multiply(x, x, y, inverse);
        multiply(y, y, x, inverse);
    }
    uint32_t sum = 0;
    for (uint32_t k = 0; k < 4; k++)
        sum = fold_64(fold_64(sum, x[k]), y[k]);
    return sum;
}
