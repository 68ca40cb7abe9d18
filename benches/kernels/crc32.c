// CRC-32, one table look-up per byte: a chain of dependent loads.
#include "kernel.h"

static uint32_t table[256];
static uint8_t data[65536];

uint32_t run(uint32_t n) {
    for (uint32_t k = 0; k < 256; k++) {
        uint32_t c = k;
        for (uint32_t bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        table[k] = c;
    }
    uint32_t seed = 42;
    for (uint32_t k = 0; k < sizeof data; k++)
        data[k] = (uint8_t)next_random(&seed);
    uint32_t crc = 0xffffffffu;
    for (uint32_t i = 0; i < n; i++)
        crc = table[(crc ^ data[i & 0xffff]) & 0xff] ^ (crc >> 8);
    return ~crc;
}
