// The first n digits of pi by a spigot: 32-bit division and remainder by a varying divisor.
#include "kernel.h"

#define MAX_DIGITS 1200
static uint32_t remainders[MAX_DIGITS * 10 / 3 + 2];

uint32_t run(uint32_t n) {
    if (n > MAX_DIGITS)
        n = MAX_DIGITS;
    uint32_t length = n * 10 / 3 + 1;
    for (uint32_t k = 0; k < length; k++)
        remainders[k] = 2;
    uint32_t sum = 0, nines = 0, held = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t carry = 0;
        for (uint32_t k = length; k-- > 1;) {
            uint32_t x = 10 * remainders[k] + carry * (k + 1);
            remainders[k] = x % (2 * k + 1);
            carry = x / (2 * k + 1);
        }
        uint32_t x = 10 * remainders[0] + carry;
        remainders[0] = x % 10;
        uint32_t digit = x / 10;
        if (digit == 9) {
            nines++;
            continue;
        }
        // A ten carries into the digits held back.
        uint32_t carried = digit == 10;
        if (carried)
            digit = 0;
        sum = fold(sum, held + carried);
        for (; nines; nines--)
            sum = fold(sum, carried ? 0 : 9);
        held = digit;
    }
    return fold(sum, held);
}
