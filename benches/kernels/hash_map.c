// An open-addressing hash map: n inserts, look-ups and removals with backward shifting.
#include "kernel.h"

#define SLOTS 32768
typedef struct {
    uint32_t key, value;
} Slot;

static Slot slots[SLOTS];
static uint32_t used;

static inline uint32_t home_of(uint32_t key) {
    return (key * 0x9e3779b1u) >> 17;
}

static uint32_t find(uint32_t key) {
    uint32_t at = home_of(key);
    while (slots[at].key && slots[at].key != key)
        at = (at + 1) & (SLOTS - 1);
    return at;
}

static void insert(uint32_t key, uint32_t value) {
    uint32_t at = find(key);
    if (!slots[at].key) {
        slots[at].key = key, slots[at].value = value;
        used++;
    } else {
        slots[at].value += value;
    }
}

static void erase(uint32_t key) {
    uint32_t hole = find(key);
    if (!slots[hole].key)
        return;
    used--;
    for (uint32_t at = hole;;) {
        at = (at + 1) & (SLOTS - 1);
        if (!slots[at].key)
            break;
        uint32_t home = home_of(slots[at].key);
        if (((at - home) & (SLOTS - 1)) >= ((at - hole) & (SLOTS - 1))) {
            slots[hole].key = slots[at].key, slots[hole].value = slots[at].value;
            hole = at;
        }
    }
    slots[hole].key = 0, slots[hole].value = 0;
}

uint32_t run(uint32_t n) {
    for (uint32_t k = 0; k < SLOTS; k++)
        slots[k].key = 0, slots[k].value = 0;
    used = 0;
    uint32_t seed = 161803, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t x = next_random(&seed);
        // At most 20 000 different keys, so that a free slot always exists.
        uint32_t key = x % 20000 + 1;
        uint32_t action = x >> 29;
        if (action < 4)
            insert(key, i);
        else if (action < 7)
            sum += slots[find(key)].value;
        else
            erase(key);
    }
    return fold(sum, used);
}
