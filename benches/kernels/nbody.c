// Five bodies under gravity for n steps: f64 division and square root in a dependent chain.
#include "kernel.h"

#define BODIES 5

typedef struct {
    double x, y, z, vx, vy, vz, mass;
} Body;

static Body bodies[BODIES];

static void place_bodies(void) {
    for (int32_t k = 0; k < BODIES; k++) {
        double t = (double)k;
        bodies[k].x = 4.0 * t - 3.0, bodies[k].y = 1.5 - t * t * 0.6, bodies[k].z = 0.3 * t - 0.1;
        bodies[k].vx = 0.6 - 0.35 * t, bodies[k].vy = 0.1 + 0.4 * t, bodies[k].vz = 0.02 * t;
        bodies[k].mass = k == 0 ? 39.5 : 0.01 + 0.006 * t;
    }
}

static void advance(double dt) {
    for (uint32_t i = 0; i < BODIES; i++) {
        Body *p = &bodies[i];
        for (uint32_t j = i + 1; j < BODIES; j++) {
            Body *q = &bodies[j];
            double dx = p->x - q->x, dy = p->y - q->y, dz = p->z - q->z;
            double square = dx * dx + dy * dy + dz * dz + 0.001;
            double pull = dt / (square * __builtin_sqrt(square));
            p->vx -= dx * q->mass * pull, p->vy -= dy * q->mass * pull, p->vz -= dz * q->mass * pull;
            q->vx += dx * p->mass * pull, q->vy += dy * p->mass * pull, q->vz += dz * p->mass * pull;
        }
    }
    for (uint32_t i = 0; i < BODIES; i++) {
        Body *p = &bodies[i];
        p->x += dt * p->vx, p->y += dt * p->vy, p->z += dt * p->vz;
    }
}

uint32_t run(uint32_t n) {
    place_bodies();
    for (uint32_t i = 0; i < n; i++)
        advance(0.002);
    uint32_t sum = 0;
    for (uint32_t k = 0; k < BODIES; k++)
        sum = fold_f64(fold_f64(fold_f64(sum, bodies[k].x), bodies[k].y), bodies[k].z);
    return sum;
}
