// Counts placements of n queens by backtracking over an array: branches, and a call only where a row is free.
#include "kernel.h"

static int32_t column_of[16];
static uint32_t solutions;

static int safe(int32_t row, int32_t column) {
    for (int32_t above = 0; above < row; above++) {
        int32_t distance = column - column_of[above];
        if (distance == 0 || distance == row - above || distance == above - row)
            return 0;
    }
    return 1;
}

static void place(int32_t row, int32_t n) {
    for (int32_t column = 0; column < n; column++) {
        if (!safe(row, column))
            continue;
        column_of[row] = column;
        if (row + 1 == n)
            solutions++;
        else
            place(row + 1, n);
    }
}

uint32_t run(uint32_t n) {
    if (n < 1 || n > 16)
        return 0;
    solutions = 0;
    place(0, (int32_t)n);
    return fold(n, solutions);
}
