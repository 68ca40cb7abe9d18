// Tokenises a generated JSON document n times: a switch per byte, string escapes and numbers.
#include "kernel.h"

#define LENGTH 16384
static uint8_t text[LENGTH + 128];
static uint8_t nesting[64];

static uint32_t put_string(uint32_t at, uint32_t x) {
    text[at++] = '"';
    for (uint32_t k = 0; k < 3 + x % 11; k++) {
        text[at++] = (uint8_t)('a' + (x >> k) % 26);
        if ((x >> k & 31) == 7) {
            text[at++] = '\\';
            text[at++] = 'n';
        }
    }
    text[at++] = '"';
    return at;
}

static uint32_t put_number(uint32_t at, uint32_t x) {
    if (x & 1)
        text[at++] = '-';
    uint32_t digits = 1 + x % 6;
    for (uint32_t k = 0; k < digits; k++)
        text[at++] = (uint8_t)('1' + (x >> (2 * k)) % 9);
    if (x & 64) {
        text[at++] = '.';
        text[at++] = (uint8_t)('0' + x % 10);
    }
    return at;
}

static uint32_t put_word(uint32_t at, const char *word) {
    while (*word)
        text[at++] = (uint8_t)*word++;
    return at;
}

static uint32_t write_document(void) {
    uint32_t seed = 7159, at = 0;
    text[at++] = '[';
    while (at < LENGTH) {
        if (at > 1)
            text[at++] = ',';
        text[at++] = '{';
        for (uint32_t field = 0; field < 4; field++) {
            uint32_t x = next_random(&seed);
            if (field)
                at = put_word(at, ", ");
            at = put_string(at, x);
            text[at++] = ':';
            if (x >> 30 == 0)
                at = put_string(at, x * 31);
            else if (x >> 30 == 1)
                at = put_number(at, x >> 3);
            else if (x >> 30 == 2)
                at = put_word(at, x & 4 ? "true" : x & 8 ? "false" : "null");
            else
                at = put_word(at, "[1, 2, []]");
        }
        text[at++] = '}';
        // The buffer has room for one string beyond LENGTH; stop before the next object might pass it.
        if (at > LENGTH - 160)
            break;
    }
    text[at++] = ']';
    return at;
}

// A checksum over the kinds, places and values of the tokens, or zero for a document that is not well nested.
static uint32_t tokenise(uint32_t length) {
    uint32_t at = 0, depth = 0, sum = 1;
    while (at < length) {
        uint8_t c = text[at++];
        switch (c) {
        case ' ':
        case '\n':
        case '\r':
        case '\t':
            break;
        case '{':
        case '[':
            if (depth == sizeof nesting)
                return 0;
            nesting[depth++] = c;
            break;
        case '}':
        case ']':
            if (!depth || nesting[--depth] != c - 2)
                return 0;
            sum = fold(sum, depth);
            break;
        case ',':
        case ':':
            sum++;
            break;
        case '"': {
            uint32_t hash = 5381;
            for (;;) {
                if (at >= length)
                    return 0;
                c = text[at++];
                if (c == '"')
                    break;
                if (c == '\\')
                    c = text[at++] == 'n' ? '\n' : '?';
                hash = hash * 33 + c;
            }
            sum = fold(sum, hash);
            break;
        }
        case 't':
        case 'n':
            at += 3;
            sum += c;
            break;
        case 'f':
            at += 4;
            sum += c;
            break;
        default: {
            uint32_t negative = c == '-', value = 0;
            if (negative)
                c = text[at++];
            while (c >= '0' && c <= '9') {
                value = value * 10 + (c - '0');
                c = text[at++];
            }
            if (c == '.') {
                c = text[at++];
                while (c >= '0' && c <= '9') {
                    value = value * 10 + (c - '0');
                    c = text[at++];
                }
            }
            at--;
            sum = fold(sum, negative ? 0 - value : value);
        }
        }
    }
    return depth ? 0 : sum;
}

uint32_t run(uint32_t n) {
    uint32_t length = write_document(), sum = length;
    for (uint32_t i = 0; i < n; i++)
        sum = fold(sum, tokenise(length));
    return sum;
}
