// Quicksort of n integers with an explicit stack and insertion sort at the bottom.
#include "kernel.h"

#define MAX_LENGTH 200000
static int32_t values[MAX_LENGTH];
static uint32_t pending[128];

static void sort(uint32_t n) {
    uint32_t depth = 0;
    uint32_t low = 0, high = n;
    for (;;) {
        while (high - low > 16) {
            uint32_t middle = low + (high - low) / 2;
            int32_t x = values[low], y = values[middle], z = values[high - 1];
            int32_t pivot = x < y ? (y < z ? y : x < z ? z : x) : (x < z ? x : y < z ? z : y);
            uint32_t i = low, j = high - 1;
            for (;; i++, j--) {
                while (values[i] < pivot)
                    i++;
                while (values[j] > pivot)
                    j--;
                if (i >= j)
                    break;
                int32_t kept = values[i];
                values[i] = values[j];
                values[j] = kept;
            }
            // The larger side waits, so the stack stays logarithmic.
            if (j + 1 - low > high - j - 1) {
                pending[depth++] = low, pending[depth++] = j + 1;
                low = j + 1;
            } else {
                pending[depth++] = j + 1, pending[depth++] = high;
                high = j + 1;
            }
        }
        for (uint32_t i = low + 1; i < high; i++) {
            int32_t x = values[i];
            uint32_t j = i;
            for (; j > low && values[j - 1] > x; j--)
                values[j] = values[j - 1];
            values[j] = x;
        }
        if (!depth)
            return;
        high = pending[--depth];
        low = pending[--depth];
    }
}

uint32_t run(uint32_t n) {
    if (n > MAX_LENGTH)
        n = MAX_LENGTH;
    uint32_t seed = 271828, sum = 0;
    for (uint32_t k = 0; k < n; k++)
        values[k] = (int32_t)next_random(&seed);
    sort(n);
    for (uint32_t k = 1; k < n; k++)
        sum = fold(sum, (uint32_t)values[k] + (values[k - 1] > values[k]));
    return sum;
}
