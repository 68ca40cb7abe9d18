// A binary search tree of n random keys, built and searched without recursion: chases pointers.
#include "kernel.h"

#define MAX_NODES 65536
typedef struct Node {
    struct Node *child[2];
    uint32_t key, hits;
} Node;

static Node nodes[MAX_NODES];

uint32_t run(uint32_t n) {
    if (n > MAX_NODES)
        n = MAX_NODES;
    uint32_t seed = 55555, used = 0, sum = 0;
    Node *root = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t key = next_random(&seed);
        Node **link = &root;
        while (*link && (*link)->key != key)
            link = &(*link)->child[(*link)->key < key];
        if (!*link) {
            Node *node = &nodes[used++];
            node->child[0] = node->child[1] = 0;
            node->key = key, node->hits = 0;
            *link = node;
        }
        (*link)->hits++;
    }
    for (uint32_t i = 0; i < 2 * n; i++) {
        uint32_t key = next_random(&seed), depth = 0;
        const Node *at = root;
        while (at && at->key != key) {
            at = at->child[at->key < key];
            depth++;
        }
        sum = fold(sum, depth + (at ? at->hits : 0));
    }
    return fold(sum, used);
}
