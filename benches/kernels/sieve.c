// Sieve of Eratosthenes below n: strided byte stores.
#include "kernel.h"

#define MAX_LIMIT 2000000
static uint8_t composite[MAX_LIMIT];

uint32_t run(uint32_t n) {
    if (n > MAX_LIMIT)
        n = MAX_LIMIT;
    for (uint32_t k = 0; k < n; k++)
        composite[k] = 0;
    uint32_t primes = 0, last = 0;
    for (uint32_t k = 2; k < n; k++) {
        if (composite[k])
            continue;
        primes++;
        last = k;
        if (k < 65536)
            for (uint32_t multiple = k * k; multiple < n; multiple += k)
                composite[multiple] = 1;
    }
    return fold(primes, last);
}
