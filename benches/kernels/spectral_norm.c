// Spectral norm of an infinite matrix's n by n corner: integer index arithmetic feeding f64 division.
#include "kernel.h"

#define MAX_SIDE 384
static double u[MAX_SIDE], v[MAX_SIDE], w[MAX_SIDE];

static inline double entry(uint32_t i, uint32_t j) {
    return 1.0 / (double)((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(uint32_t n, const double *x, double *out) {
    for (uint32_t i = 0; i < n; i++) {
        double total = 0.0;
        for (uint32_t j = 0; j < n; j++)
            total += entry(i, j) * x[j];
        out[i] = total;
    }
}

static void multiply_transposed(uint32_t n, const double *x, double *out) {
    for (uint32_t i = 0; i < n; i++) {
        double total = 0.0;
        for (uint32_t j = 0; j < n; j++)
            total += entry(j, i) * x[j];
        out[i] = total;
    }
}

uint32_t run(uint32_t n) {
    if (n > MAX_SIDE)
        n = MAX_SIDE;
    for (uint32_t k = 0; k < n; k++)
        u[k] = 1.0;
    for (uint32_t round = 0; round < 6; round++) {
        multiply(n, u, w);
        multiply_transposed(n, w, v);
        multiply(n, v, w);
        multiply_transposed(n, w, u);
    }
    double across = 0.0, square = 0.0;
    for (uint32_t k = 0; k < n; k++)
        across += u[k] * v[k], square += v[k] * v[k];
    return fold_f64(0, __builtin_sqrt(across / square));
}
