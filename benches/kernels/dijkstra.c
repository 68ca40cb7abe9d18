// Shortest paths over a weighted grid with a binary heap, from n sources.
#include "kernel.h"

#define SIDE 64
#define NODES (SIDE * SIDE)
#define UNREACHED 0xffffffffu

static uint8_t weight[NODES];
static uint32_t distance[NODES];
static uint64_t heap[4 * NODES + 1];
static uint32_t heap_length;

// An entry holds the distance above the node, so entries compare as numbers.
static void push(uint64_t entry) {
    uint32_t at = ++heap_length;
    for (; at > 1 && heap[at / 2] > entry; at /= 2)
        heap[at] = heap[at / 2];
    heap[at] = entry;
}

static uint64_t pop(void) {
    uint64_t least = heap[1], last = heap[heap_length--];
    uint32_t at = 1;
    for (;;) {
        uint32_t child = 2 * at;
        if (child > heap_length)
            break;
        if (child < heap_length && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return least;
}

static void relax(uint32_t from, uint32_t to) {
    uint32_t through = distance[from] + weight[to];
    if (through < distance[to]) {
        distance[to] = through;
        push((uint64_t)through << 32 | to);
    }
}

uint32_t run(uint32_t n) {
    uint32_t seed = 8128, sum = 0;
    for (uint32_t k = 0; k < NODES; k++)
        weight[k] = (uint8_t)(1 + (next_random(&seed) >> 12) % 100);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < NODES; k++)
            distance[k] = UNREACHED;
        uint32_t source = (i * 1237) % NODES;
        distance[source] = 0;
        heap_length = 0;
        push(source);
        while (heap_length) {
            uint64_t entry = pop();
            uint32_t node = (uint32_t)entry;
            if ((uint32_t)(entry >> 32) != distance[node])
                continue;
            uint32_t x = node % SIDE, y = node / SIDE;
            if (x > 0)
                relax(node, node - 1);
            if (x + 1 < SIDE)
                relax(node, node + 1);
            if (y > 0)
                relax(node, node - SIDE);
            if (y + 1 < SIDE)
                relax(node, node + SIDE);
        }
        for (uint32_t k = 0; k < NODES; k += 61)
            sum = fold(sum, distance[k]);
    }
    return sum;
}
