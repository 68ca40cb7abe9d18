// What every kernel shares: fixed-width types, the export, a source of inputs and a checksum.
//
// A kernel is one `.c` file that includes this header and nothing else. It has no libc and no imports, keeps its data
// in static arrays, and starts afresh at each call, so that `run(n)` always gives the same number for the same `n`.
#ifndef WASMELT_KERNEL_H
#define WASMELT_KERNEL_H

#include <stdint.h>

#if defined(__wasm__)
#define KERNEL_EXPORT __attribute__((export_name("run")))
#else
#define KERNEL_EXPORT __attribute__((visibility("default")))
#endif

// For functions whose call is what the kernel measures.
#define NOINLINE __attribute__((noinline))

// The only function a host calls.
KERNEL_EXPORT uint32_t run(uint32_t n);

static inline uint32_t rotate_left(uint32_t x, uint32_t by) {
    return (x << (by & 31)) | (x >> ((32 - by) & 31));
}

static inline uint32_t rotate_right(uint32_t x, uint32_t by) {
    return (x >> (by & 31)) | (x << ((32 - by) & 31));
}

static inline uint64_t rotate_right_64(uint64_t x, uint32_t by) {
    return (x >> (by & 63)) | (x << ((64 - by) & 63));
}

// Marsaglia's 32-bit xorshift; the state must not be zero.
static inline uint32_t next_random(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

// Adds a value to a checksum; order matters.
static inline uint32_t fold(uint32_t sum, uint32_t value) {
    return rotate_left((sum ^ value) * 0x9e3779b1u, 15);
}

static inline uint32_t fold_64(uint32_t sum, uint64_t value) {
    return fold(fold(sum, (uint32_t)value), (uint32_t)(value >> 32));
}

// Floats enter the checksum by their bits: two engines must agree exactly. Kernels never produce a NaN.
static inline uint32_t fold_f64(uint32_t sum, double value) {
    union {
        double number;
        uint64_t bits;
    } as = {value};
    return fold_64(sum, as.bits);
}

static inline uint32_t fold_f32(uint32_t sum, float value) {
    union {
        float number;
        uint32_t bits;
    } as = {value};
    return fold(sum, as.bits);
}

// The full 128-bit product from four half products, as code for wasm has to write it.
static inline uint64_t multiply_wide(uint64_t a, uint64_t b, uint64_t *high) {
    uint64_t a0 = a & 0xffffffffu, a1 = a >> 32;
    uint64_t b0 = b & 0xffffffffu, b1 = b >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t other = a0 * b1 + (middle & 0xffffffffu);
    *high = a1 * b1 + (middle >> 32) + (other >> 32);
    return (other << 32) | (low & 0xffffffffu);
}

#endif
