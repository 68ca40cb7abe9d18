// A chain of shuffled filter objects, each with its own method table: call_indirect with mixed targets.
#include "kernel.h"

typedef struct Filter Filter;
typedef struct {
    uint32_t (*apply)(Filter *, uint32_t);
    uint32_t (*peek)(const Filter *);
} Methods;
struct Filter {
    const Methods *methods;
    uint32_t history[4];
};

static inline void remember(Filter *f, uint32_t input) {
    f->history[3] = f->history[2], f->history[2] = f->history[1];
    f->history[1] = f->history[0], f->history[0] = input;
}

static uint32_t average(Filter *f, uint32_t input) {
    remember(f, input);
    return (f->history[0] >> 2) + (f->history[1] >> 2) + (f->history[2] >> 2) + (f->history[3] >> 2);
}
static uint32_t difference(Filter *f, uint32_t input) {
    uint32_t change = 3 * (input - f->history[0]) - (f->history[1] - f->history[2]);
    remember(f, input);
    return input + (change >> 3);
}
static uint32_t median(Filter *f, uint32_t input) {
    remember(f, input);
    uint32_t a = f->history[0], b = f->history[1], c = f->history[2];
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}
static uint32_t scramble(Filter *f, uint32_t input) {
    uint32_t x = input ^ rotate_left(f->history[0], 7) ^ rotate_left(f->history[3], 19);
    x *= 0x85ebca6bu;
    x ^= x >> 13;
    f->history[3] = f->history[0], f->history[0] = x;
    return x;
}
static uint32_t echo(Filter *f, uint32_t input) {
    uint32_t late = f->history[3];
    remember(f, input + (late >> 1));
    return (input >> 1) + (late >> 2) + (f->history[1] >> 2);
}

static uint32_t peek_newest(const Filter *f) {
    return f->history[0] ^ f->history[1];
}
static uint32_t peek_oldest(const Filter *f) {
    return f->history[3] + 7 * f->history[2];
}

static const Methods METHODS[5] = {
    {average, peek_newest}, {difference, peek_oldest}, {median, peek_newest},
    {scramble, peek_newest}, {echo, peek_oldest},
};

#define FILTERS 64
static Filter chain[FILTERS];

uint32_t run(uint32_t n) {
    uint32_t seed = 24, sum = 0;
    for (uint32_t k = 0; k < FILTERS; k++) {
        chain[k].methods = &METHODS[(next_random(&seed) >> 7) % 5];
        for (uint32_t slot = 0; slot < 4; slot++)
            chain[k].history[slot] = next_random(&seed);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t signal = next_random(&seed);
        for (uint32_t k = 0; k < FILTERS; k++)
            signal = chain[k].methods->apply(&chain[k], signal);
        const Filter *tapped = &chain[signal % FILTERS];
        sum = fold(sum, signal + tapped->methods->peek(tapped));
    }
    return sum;
}
