// A register machine's interpreter loop (br_table) that runs a program of nested loops n times.
#include "kernel.h"

enum {
    OP_HALT, OP_SET, OP_MOVE, OP_ADD, OP_SUB, OP_MUL, OP_AND, OP_XOR, OP_SHIFT_RIGHT, OP_ADD_SMALL, OP_LOAD, OP_STORE,
    OP_JUMP, OP_JUMP_IF_ZERO, OP_JUMP_IF_LESS, OP_NOT,
};

typedef struct {
    uint8_t op, a, b, c;
} Instruction;

static const Instruction PROGRAM[] = {
    /*  0 */ {OP_SET, 0, 0, 0},           // r0 = 0
    /*  1 */ {OP_SET, 1, 1, 0},           // r1 = 1
    /*  2 */ {OP_SET, 2, 100, 0},         // r2 = 100
    /*  3 */ {OP_SET, 3, 0, 0},           // r3 = 0, the outer counter
    /*  4 */ {OP_MOVE, 4, 3, 0},          // r4 = r3
    /*  5 */ {OP_SET, 5, 0, 0},           // r5 = 0, the inner counter
    /*  6 */ {OP_LOAD, 6, 5, 0},          // r6 = memory[r5]
    /*  7 */ {OP_MUL, 7, 6, 1},           // r7 = r6 * r1
    /*  8 */ {OP_ADD, 7, 7, 4},           // r7 += r4
    /*  9 */ {OP_XOR, 0, 0, 7},           // r0 ^= r7
    /* 10 */ {OP_SHIFT_RIGHT, 8, 0, 5},   // r8 = r0 >> 5
    /* 11 */ {OP_ADD, 0, 0, 8},           // r0 += r8
    /* 12 */ {OP_AND, 9, 0, 1},           // r9 = r0 & r1
    /* 13 */ {OP_JUMP_IF_ZERO, 9, 16, 0}, // skip the store when r9 is zero
    /* 14 */ {OP_NOT, 7, 7, 0},           // r7 = ~r7
    /* 15 */ {OP_STORE, 7, 5, 0},         // memory[r5] = r7
    /* 16 */ {OP_ADD_SMALL, 5, 5, 1},     // r5 += 1
    /* 17 */ {OP_JUMP_IF_LESS, 5, 2, 6},  // again while r5 < r2
    /* 18 */ {OP_ADD_SMALL, 1, 1, 2},     // r1 += 2
    /* 19 */ {OP_ADD_SMALL, 3, 3, 1},     // r3 += 1
    /* 20 */ {OP_SUB, 10, 2, 3},          // r10 = r2 - r3
    /* 21 */ {OP_JUMP_IF_ZERO, 10, 23, 0},
    /* 22 */ {OP_JUMP, 4, 0, 0},
    /* 23 */ {OP_HALT, 0, 0, 0},
};

static uint32_t registers[16], memory[256];

static uint32_t interpret(void) {
    uint32_t at = 0;
    for (;;) {
        Instruction i = PROGRAM[at++];
        uint32_t *r = registers;
        switch (i.op) {
        case OP_HALT:
            return r[0];
        case OP_SET:
            r[i.a & 15] = i.b;
            break;
        case OP_MOVE:
            r[i.a & 15] = r[i.b & 15];
            break;
        case OP_ADD:
            r[i.a & 15] = r[i.b & 15] + r[i.c & 15];
            break;
        case OP_SUB:
            r[i.a & 15] = r[i.b & 15] - r[i.c & 15];
            break;
        case OP_MUL:
            r[i.a & 15] = r[i.b & 15] * r[i.c & 15];
            break;
        case OP_AND:
            r[i.a & 15] = r[i.b & 15] & r[i.c & 15];
            break;
        case OP_XOR:
            r[i.a & 15] = r[i.b & 15] ^ r[i.c & 15];
            break;
        case OP_SHIFT_RIGHT:
            r[i.a & 15] = r[i.b & 15] >> (i.c & 31);
            break;
        case OP_ADD_SMALL:
            r[i.a & 15] = r[i.b & 15] + i.c;
            break;
        case OP_LOAD:
            r[i.a & 15] = memory[r[i.b & 15] & 255];
            break;
        case OP_STORE:
            memory[r[i.b & 15] & 255] = r[i.a & 15];
            break;
        case OP_JUMP:
            at = i.a;
            break;
        case OP_JUMP_IF_ZERO:
            if (!r[i.a & 15])
                at = i.b;
            break;
        case OP_JUMP_IF_LESS:
            if (r[i.a & 15] < r[i.b & 15])
                at = i.c;
            break;
        default:
            r[i.a & 15] = ~r[i.b & 15];
            break;
        }
    }
}

uint32_t run(uint32_t n) {
    uint32_t seed = 1, sum = 0;
    for (uint32_t k = 0; k < 256; k++)
        memory[k] = next_random(&seed);
    for (uint32_t i = 0; i < n; i++)
        sum = fold(sum, interpret());
    return sum;
}
