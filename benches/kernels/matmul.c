// Product of two n by n matrices of f64, in the order that streams through rows.
#include "kernel.h"

#define MAX_SIDE 192
static double a[MAX_SIDE][MAX_SIDE], b[MAX_SIDE][MAX_SIDE], c[MAX_SIDE][MAX_SIDE];

uint32_t run(uint32_t n) {
    if (n > MAX_SIDE)
        n = MAX_SIDE;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            a[i][j] = (double)(i + 1) / (double)(j + 1);
            b[i][j] = (double)((int32_t)i - (int32_t)j) * 0.25;
            c[i][j] = 0.0;
        }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++) {
            double factor = a[i][k];
            for (uint32_t j = 0; j < n; j++)
                c[i][j] += factor * b[k][j];
        }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum = fold_f64(sum, c[i][n - 1 - i]);
    return sum;
}
