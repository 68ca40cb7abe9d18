// An LZ77 packer with a hash of four bytes, and its unpacker: match loops and byte copies.
#include "kernel.h"

#define LENGTH 32768
static uint8_t plain[LENGTH], packed[2 * LENGTH], unpacked[LENGTH];
static uint32_t heads[4096];

// Words from a small vocabulary, so that matches of many lengths occur.
static void write_text(uint32_t seed) {
    for (uint32_t at = 0; at < LENGTH;) {
        uint32_t word = (next_random(&seed) >> 8) & 127;
        uint32_t length = 2 + word % 9;
        for (uint32_t k = 0; k < length && at < LENGTH; k++)
            plain[at++] = (uint8_t)('a' + (word * 7 + k * k * 3) % 26);
        if (at < LENGTH)
            plain[at++] = ' ';
    }
}

static inline uint32_t four_at(uint32_t at) {
    return plain[at] | (uint32_t)plain[at + 1] << 8 | (uint32_t)plain[at + 2] << 16 | (uint32_t)plain[at + 3] << 24;
}

// A token is 0 and a literal byte, or a match length and its distance in two bytes.
static uint32_t pack(void) {
    uint32_t out = 0, at = 0;
    for (uint32_t k = 0; k < 4096; k++)
        heads[k] = 0;
    while (at < LENGTH) {
        uint32_t length = 0, from = 0;
        if (at + 4 <= LENGTH) {
            uint32_t slot = (four_at(at) * 2654435761u) >> 20;
            from = heads[slot];
            heads[slot] = at + 1;
            if (from-- && at - from < 65536)
                while (length < 255 && at + length < LENGTH && plain[from + length] == plain[at + length])
                    length++;
        }
        if (length >= 4) {
            packed[out++] = (uint8_t)length;
            packed[out++] = (uint8_t)(at - from);
            packed[out++] = (uint8_t)((at - from) >> 8);
            at += length;
        } else {
            packed[out++] = 0;
            packed[out++] = plain[at++];
        }
    }
    return out;
}

static uint32_t unpack(uint32_t length) {
    uint32_t out = 0;
    for (uint32_t at = 0; at < length;) {
        uint32_t count = packed[at++];
        if (!count) {
            unpacked[out++] = packed[at++];
            continue;
        }
        uint32_t distance = packed[at] | (uint32_t)packed[at + 1] << 8;
        at += 2;
        for (; count; count--, out++)
            unpacked[out] = unpacked[out - distance];
    }
    return out;
}

uint32_t run(uint32_t n) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        write_text(1000 + i);
        uint32_t packed_length = pack();
        uint32_t length = unpack(packed_length);
        uint32_t wrong = 0;
        for (uint32_t k = 0; k < LENGTH; k++)
            wrong += unpacked[k] != plain[k];
        sum = fold(fold(fold(sum, packed_length), length), wrong);
    }
    return sum;
}
