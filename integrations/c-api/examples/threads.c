/* One module, compiled once, runs in several threads, each with a store of its own. */

#include "example.h"
#include <pthread.h>

enum { THREADS = 4 };

struct work {
  wasm_engine_t* engine;
  const wasm_shared_module_t* shared;
  int32_t number;
  int32_t result;
};

static void* run(void* argument) {
  struct work* work = argument;
  wasm_store_t* store = wasm_store_new(work->engine);
  wasm_module_t* module = wasm_module_obtain(store, work->shared);
  expect(module != NULL, "every store of the engine can have the module");
  wasm_instance_t* instance = instance_of(store, module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_t arguments[] = {WASM_I32_VAL(work->number)};
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arguments), outs = WASM_ARRAY_VEC(results);
  expect(wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &outs) == NULL, "it returns");
  work->result = results[0].of.i32;
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  return NULL;
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (func $sum (export \"sum\") (param i32) (result i32)"
    "  (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))"
    "    (else (i32.add (local.get 0) (call $sum (i32.sub (local.get 0) (i32.const 1))))))))");
  wasm_shared_module_t* shared = wasm_module_share(module);
  wasm_module_delete(module);
  wasm_store_delete(store);

  pthread_t threads[THREADS];
  struct work work[THREADS];
  for (int i = 0; i < THREADS; i++) {
    work[i] = (struct work){engine, shared, (i + 1) * 100, 0};
    expect(pthread_create(&threads[i], NULL, run, &work[i]) == 0, "a thread starts");
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    printf("sum to %" PRId32 " is %" PRId32 "\n", work[i].number, work[i].result);
  }
  wasm_shared_module_delete(shared);
  wasm_engine_delete(engine);
  return all_deleted();
}
