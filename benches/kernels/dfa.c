// A table-driven automaton that finds e-mail-like words in text: one load depends on the one before.
#include "kernel.h"

enum { CLASS_OTHER, CLASS_WORD, CLASS_AT, CLASS_DOT, CLASSES };
enum { STATE_START, STATE_USER, STATE_AT, STATE_HOST, STATE_DOT, STATE_FOUND, STATE_SKIP, STATES };

#define LENGTH 16384
static uint8_t text[LENGTH], class_of[256], next_state[STATES][CLASSES];

static void build_tables(void) {
    for (uint32_t k = 0; k < 256; k++)
        class_of[k] = CLASS_OTHER;
    for (uint32_t c = 'a'; c <= 'z'; c++)
        class_of[c] = class_of[c - 32] = CLASS_WORD;
    for (uint32_t c = '0'; c <= '9'; c++)
        class_of[c] = CLASS_WORD;
    class_of['@'] = CLASS_AT, class_of['.'] = CLASS_DOT;
    for (uint32_t s = 0; s < STATES; s++) {
        for (uint32_t c = 0; c < CLASSES; c++)
            next_state[s][c] = STATE_SKIP;
        next_state[s][CLASS_OTHER] = STATE_START;
    }
    next_state[STATE_START][CLASS_WORD] = STATE_USER;
    next_state[STATE_USER][CLASS_WORD] = STATE_USER;
    next_state[STATE_USER][CLASS_DOT] = STATE_USER;
    next_state[STATE_USER][CLASS_AT] = STATE_AT;
    next_state[STATE_AT][CLASS_WORD] = STATE_HOST;
    next_state[STATE_HOST][CLASS_WORD] = STATE_HOST;
    next_state[STATE_HOST][CLASS_DOT] = STATE_DOT;
    next_state[STATE_DOT][CLASS_WORD] = STATE_FOUND;
    next_state[STATE_FOUND][CLASS_WORD] = STATE_FOUND;
    next_state[STATE_FOUND][CLASS_DOT] = STATE_DOT;
}

uint32_t run(uint32_t n) {
    static const uint8_t LETTERS[32] = "etaoinshrdlucmfwypvbgk@@..   ,\n9";
    uint32_t seed = 8080, found = 0, sum = 0;
    build_tables();
    for (uint32_t k = 0; k < LENGTH; k++)
        text[k] = LETTERS[next_random(&seed) >> 27];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t state = STATE_START;
        for (uint32_t k = 0; k < LENGTH; k++) {
            uint32_t next = next_state[state][class_of[text[k]]];
            if (state == STATE_FOUND && next == STATE_START)
                found++, sum += k;
            state = next;
        }
        text[(i * 193) % LENGTH] = '@';
    }
    return fold(sum, found);
}
