// Tests n odd candidates from a million up with Miller and Rabin's test: 64-bit remainders.
#include "kernel.h"

static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (base %= modulus; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static int passes(uint64_t candidate, uint64_t witness) {
    uint64_t odd = candidate - 1;
    uint32_t twos = 0;
    for (; !(odd & 1); odd >>= 1)
        twos++;
    uint64_t x = power(witness, odd, candidate);
    if (x == 1 || x == candidate - 1)
        return 1;
    while (--twos) {
        x = x * x % candidate;
        if (x == candidate - 1)
            return 1;
    }
    return 0;
}

// The witnesses 2, 3, 5 and 7 decide every candidate below 2^31.
uint32_t run(uint32_t n) {
    uint32_t primes = 0, sum = 0;
    for (uint64_t candidate = 1000001; candidate < 1000001 + 2 * (uint64_t)n; candidate += 2) {
        if (passes(candidate, 2) && passes(candidate, 3) && passes(candidate, 5) && passes(candidate, 7)) {
            primes++;
            sum = fold(sum, (uint32_t)candidate);
        }
    }
    return fold(sum, primes);
}
