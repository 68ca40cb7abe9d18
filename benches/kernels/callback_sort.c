// Shell sort of n records through a comparison callback: call_indirect with one hot target.
#include "kernel.h"

#define MAX_LENGTH 20000
typedef struct {
    uint32_t group, key;
} Record;

static Record records[MAX_LENGTH];

static int by_key(const Record *a, const Record *b) {
    return a->key < b->key ? -1 : a->key > b->key;
}
static int by_group_then_key(const Record *a, const Record *b) {
    return a->group != b->group ? (a->group < b->group ? -1 : 1) : by_key(a, b);
}
static int by_key_downwards(const Record *a, const Record *b) {
    return by_key(b, a);
}

static NOINLINE void sort(uint32_t n, int (*compare)(const Record *, const Record *)) {
    static const uint32_t GAPS[] = {8929, 3905, 2161, 929, 505, 209, 109, 41, 19, 5, 1};
    for (uint32_t g = 0; g < sizeof GAPS / sizeof GAPS[0]; g++) {
        uint32_t gap = GAPS[g];
        for (uint32_t i = gap; i < n; i++) {
            Record moving = {records[i].group, records[i].key};
            uint32_t j = i;
            for (; j >= gap && compare(&records[j - gap], &moving) > 0; j -= gap)
                records[j].group = records[j - gap].group, records[j].key = records[j - gap].key;
            records[j].group = moving.group, records[j].key = moving.key;
        }
    }
}

uint32_t run(uint32_t n) {
    static int (*const orders[3])(const Record *, const Record *) = {by_key, by_group_then_key, by_key_downwards};
    if (n > MAX_LENGTH)
        n = MAX_LENGTH;
    uint32_t seed = 1729, sum = 0;
    for (uint32_t k = 0; k < n; k++)
        records[k].group = next_random(&seed) >> 28, records[k].key = next_random(&seed);
    for (uint32_t order = 0; order < 3; order++) {
        sort(n, orders[order]);
        for (uint32_t k = 0; k < n; k++)
            sum = fold(sum, records[k].key);
    }
    return sum;
}
