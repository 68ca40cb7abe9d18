// Heapsort of n 64-bit integers: loads at doubling distances.
#include "kernel.h"

#define MAX_LENGTH 100000
static uint64_t heap[MAX_LENGTH];

static void sift_down(uint32_t at, uint32_t length) {
    uint64_t moving = heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= length)
            break;
        if (child + 1 < length && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= moving)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

uint32_t run(uint32_t n) {
    if (n > MAX_LENGTH)
        n = MAX_LENGTH;
    uint32_t seed = 314159, sum = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint64_t high = next_random(&seed);
        heap[k] = (high << 32) | next_random(&seed);
    }
    for (uint32_t k = n / 2; k-- > 0;)
        sift_down(k, n);
    for (uint32_t end = n; end-- > 1;) {
        uint64_t greatest = heap[0];
        heap[0] = heap[end];
        heap[end] = greatest;
        sift_down(0, end);
    }
    for (uint32_t k = 0; k < n; k++)
        sum = fold_64(sum, heap[k]);
    return sum;
}
