// Validates UTF-8 and counts code points, n times over 16 KiB of mixed scripts.
#include "kernel.h"

#define LENGTH 16384
static uint8_t text[LENGTH + 4];

// Writes one code point and gives the bytes it took.
static uint32_t put(uint8_t *to, uint32_t point) {
    if (point < 0x80) {
        to[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (uint8_t)(0xc0 | point >> 6), to[1] = (uint8_t)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (uint8_t)(0xe0 | point >> 12), to[1] = (uint8_t)(0x80 | (point >> 6 & 63));
        to[2] = (uint8_t)(0x80 | (point & 63));
        return 3;
    }
    to[0] = (uint8_t)(0xf0 | point >> 18), to[1] = (uint8_t)(0x80 | (point >> 12 & 63));
    to[2] = (uint8_t)(0x80 | (point >> 6 & 63)), to[3] = (uint8_t)(0x80 | (point & 63));
    return 4;
}

static inline int continues(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

// The code points before the first error; *error_at is the length when there is none.
static uint32_t validate(const uint8_t *s, uint32_t length, uint32_t *error_at) {
    uint32_t points = 0, at = 0;
    while (at < length) {
        uint8_t first = s[at];
        if (first < 0x80) {
            at++;
        } else if (first >= 0xc2 && first < 0xe0) {
            if (at + 1 >= length || !continues(s[at + 1]))
                break;
            at += 2;
        } else if (first >= 0xe0 && first < 0xf0) {
            if (at + 2 >= length || !continues(s[at + 1]) || !continues(s[at + 2]))
                break;
            // No overlong form, no surrogate.
            if ((first == 0xe0 && s[at + 1] < 0xa0) || (first == 0xed && s[at + 1] >= 0xa0))
                break;
            at += 3;
        } else if (first >= 0xf0 && first < 0xf5) {
            if (at + 3 >= length || !continues(s[at + 1]) || !continues(s[at + 2]) || !continues(s[at + 3]))
                break;
            if ((first == 0xf0 && s[at + 1] < 0x90) || (first == 0xf4 && s[at + 1] >= 0x90))
                break;
            at += 4;
        } else {
            break;
        }
        points++;
    }
    *error_at = at;
    return points;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 1993, length = 0, sum = 0;
    while (length < LENGTH) {
        uint32_t x = next_random(&seed), script = x >> 28;
        uint32_t point = script < 9    ? 32 + x % 90
                         : script < 12 ? 0xc0 + x % 0x600
                         : script < 15 ? 0x3040 + x % 0x5000
                                       : 0x1f300 + x % 0x300;
        length += put(text + length, point);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t error_at;
        uint32_t spot = (i * 7919) % length;
        uint8_t kept = text[spot];
        // Every eighth pass meets a broken byte somewhere.
        if ((i & 7) == 7)
            text[spot] = 0xff;
        sum = fold(sum, validate(text, length, &error_at));
        sum = fold(sum, error_at);
        text[spot] = kept;
    }
    return sum;
}
