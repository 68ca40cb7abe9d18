// Fourier transforms of 1024 complex points, there and back, n times: strided f64 loads.
#include "kernel.h"

#define POINTS 1024
#define LOG2_POINTS 10

static double real[POINTS], imaginary[POINTS];
static double root_real[POINTS / 2], root_imaginary[POINTS / 2];

// Roots of unity by halving the angle with square roots, then by multiplication: no sine needed.
static void fill_roots(void) {
    double cosine = -1.0, sine = 0.0;
    for (uint32_t k = 1; k < LOG2_POINTS; k++) {
        double half = __builtin_sqrt((1.0 + cosine) * 0.5);
        sine = k == 1 ? 1.0 : sine / (2.0 * half);
        cosine = half;
    }
    double c = 1.0, s = 0.0;
    for (uint32_t k = 0; k < POINTS / 2; k++) {
        root_real[k] = c, root_imaginary[k] = s;
        double next = c * cosine - s * sine;
        s = c * sine + s * cosine;
        c = next;
    }
}

static void transform(double direction) {
    for (uint32_t i = 1, j = 0; i < POINTS; i++) {
        uint32_t bit = POINTS >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double r = real[i], m = imaginary[i];
            real[i] = real[j], imaginary[i] = imaginary[j];
            real[j] = r, imaginary[j] = m;
        }
    }
    for (uint32_t half = 1; half < POINTS; half *= 2) {
        uint32_t stride = POINTS / 2 / half;
        for (uint32_t start = 0; start < POINTS; start += 2 * half) {
            for (uint32_t k = 0; k < half; k++) {
                double wr = root_real[k * stride], wi = direction * root_imaginary[k * stride];
                uint32_t p = start + k, q = p + half;
                double tr = wr * real[q] - wi * imaginary[q];
                double ti = wr * imaginary[q] + wi * real[q];
                real[q] = real[p] - tr, imaginary[q] = imaginary[p] - ti;
                real[p] += tr, imaginary[p] += ti;
            }
        }
    }
}

uint32_t run(uint32_t n) {
    uint32_t seed = 7;
    fill_roots();
    for (uint32_t k = 0; k < POINTS; k++) {
        real[k] = (double)(next_random(&seed) & 0xffff) / 65536.0;
        imaginary[k] = (double)(next_random(&seed) & 0xffff) / 65536.0;
    }
    for (uint32_t i = 0; i < n; i++) {
        transform(1.0);
        for (uint32_t k = 0; k < POINTS; k++)
            real[k] *= 1.0 / POINTS, imaginary[k] *= 1.0 / POINTS;
        transform(-1.0);
    }
    uint32_t sum = 0;
    for (uint32_t k = 0; k < POINTS; k += 17)
        sum = fold_f64(fold_f64(sum, real[k]), imaginary[k]);
    return sum;
}
