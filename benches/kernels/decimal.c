// Writes 64-bit and 32-bit integers in decimal and reads them back: division by ten.
#include "kernel.h"

static uint8_t digits[24];

static uint32_t write_decimal(uint64_t value) {
    uint32_t length = 0;
    do {
        digits[length++] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value);
    for (uint32_t i = 0, j = length - 1; i < j; i++, j--) {
        uint8_t kept = digits[i];
        digits[i] = digits[j];
        digits[j] = kept;
    }
    return length;
}

static uint64_t read_decimal(uint32_t length) {
    uint64_t value = 0;
    for (uint32_t k = 0; k < length; k++)
        value = value * 10 + (digits[k] - '0');
    return value;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 10, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t value = next_random(&seed);
        if (i & 1)
            value = value << 31 | i;
        uint32_t length = write_decimal(value);
        sum = fold(sum, length + (uint32_t)(read_decimal(length) != value) * 1000);
        sum ^= digits[0];
    }
    return sum;
}
