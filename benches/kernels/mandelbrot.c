// The Mandelbrot set on an n by n grid: f64 arithmetic with a data-dependent exit.
#include "kernel.h"

uint32_t run(uint32_t n) {
    uint32_t sum = 0;
    double step = 3.0 / (double)n;
    for (uint32_t row = 0; row < n; row++) {
        double ci = step * (double)row - 1.5;
        uint32_t total = 0;
        for (uint32_t column = 0; column < n; column++) {
            double cr = step * (double)column - 2.0;
            double zr = 0.0, zi = 0.0;
            uint32_t steps = 0;
            for (; steps < 64; steps++) {
                double rr = zr * zr, ii = zi * zi;
                if (rr + ii > 4.0)
                    break;
                zi = 2.0 * zr * zi + ci;
                zr = rr - ii + cr;
            }
            total += steps;
        }
        sum = fold(sum, total);
    }
    return sum;
}
