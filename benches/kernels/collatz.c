// Longest Collatz chain below n: an unpredictable branch in a 64-bit loop.
#include "kernel.h"

uint32_t run(uint32_t n) {
    uint32_t best = 0, best_start = 0;
    for (uint32_t start = 1; start < n; start++) {
        uint64_t x = start;
        uint32_t steps = 0;
        while (x != 1) {
            if (x & 1)
                x = 3 * x + 1;
            else
                x >>= 1;
            steps++;
        }
        if (steps > best)
            best = steps, best_start = start;
    }
    return fold(best, best_start);
}
