// Resamples 16-bit sound through a resonant filter: conversions between i32, f32 and f64.
#include "kernel.h"

static int16_t sound[4096];

static inline int32_t saturate(float value) {
    return value > 32767.0f ? 32767 : value < -32768.0f ? -32768 : (int32_t)value;
}

uint32_t run(uint32_t n) {
    uint32_t seed = 4711;
    for (uint32_t k = 0; k < 4096; k++)
        sound[k] = (int16_t)(next_random(&seed) >> 18);
    double position = 0.0;
    float low = 0.0f, band = 0.0f;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        int32_t at = (int32_t)position;
        float part = (float)(position - (double)at);
        float left = (float)sound[at & 4095], right = (float)sound[(at + 1) & 4095];
        float input = left + (right - left) * part;
        low += 0.21f * band;
        band += 0.21f * (input - low - 0.4f * band);
        sum += (uint32_t)saturate(low) ^ (i & 0xff);
        position += 0.7331;
        if (position >= 4096.0)
            position -= 4096.0;
    }
    return fold_f32(fold_f64(sum, position), low);
}
