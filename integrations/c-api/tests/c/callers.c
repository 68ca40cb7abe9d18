/* A host function asks the caller that it was given, also while calls that it makes run; one that is used too late is
 * refused. */

#include "check.h"
#include <pthread.h>

struct world {
  wasm_func_t* inner_run;
  wasm_store_t* stores[2];
  const wasmelt_caller_t* callers[2];
  int depth;
  int calls;
};

/* The number that the calling instance exports, or -1. */
static int number_of(const wasmelt_caller_t* caller) {
  wasm_extern_t* found = wasmelt_caller_export(caller, "number");
  if (!found) return -1;
  wasm_val_t val;
  wasm_global_get(wasm_extern_as_global(found), &val);
  wasm_extern_delete(found);
  return val.of.i32;
}

static bool is_refused(const wasmelt_caller_t* caller) {
  bool has_no_export = number_of(caller) == -1 && failed_with(WASMELT_FAULT_USAGE);
  bool has_no_store = !wasmelt_caller_store(caller) && failed_with(WASMELT_FAULT_USAGE);
  return has_no_export && has_no_store;
}

/* What is in the store is not another thread's while the guest runs. */
static void* ask_elsewhere(void* caller) {
  CHECK(number_of(caller) == -1 && failed_with(WASMELT_FAULT_USAGE));
  return NULL;
}

static bool is_of_store(const wasmelt_caller_t* caller, wasm_store_t* store) {
  wasm_extern_t* found = wasmelt_caller_export(caller, "number");
  wasm_globaltype_t* type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_CONST);
  wasm_val_t val = WASM_REF_VAL(wasm_extern_as_ref(found));
  wasm_global_t* holder = wasm_global_new(store, type, &val);
  wasm_global_delete(holder);
  wasm_globaltype_delete(type);
  wasm_extern_delete(found);
  return holder != NULL;
}

/* The outer call is of number 1, the inner one of number 2. */
static wasm_trap_t* ask(
  void* env, const wasmelt_caller_t* caller,
  const wasm_val_vec_t* args, wasm_val_vec_t* results
) {
  struct world* world = env;
  (void)args;
  (void)results;
  int depth = world->depth++;
  world->callers[depth] = caller;
  CHECK(number_of(caller) == depth + 1);
  CHECK(is_of_store(caller, world->stores[depth]));
  if (depth == 0) {
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    CHECK(!wasm_func_call(world->inner_run, &none, &none));
    CHECK(number_of(caller) == 1 && is_refused(world->callers[1]));
    pthread_t thread;
    CHECK(!pthread_create(&thread, NULL, ask_elsewhere, (void*)caller));
    pthread_join(thread, NULL);
  } else {
    CHECK(number_of(world->callers[0]) == 1);
    CHECK(is_of_store(world->callers[0], world->stores[0]));
    CHECK(!wasmelt_caller_export(world->callers[0], "nothing") && none_failed());
  }
  world->depth--;
  world->calls++;
  return NULL;
}

static wasm_trap_t* ask_the_host(
  void* env, const wasmelt_caller_t* caller,
  const wasm_val_vec_t* args, wasm_val_vec_t* results
) {
  (void)args;
  (void)results;
  CHECK(number_of(caller) == -1 && none_failed());
  CHECK(wasmelt_caller_store(caller));
  *(const wasmelt_caller_t**)env = caller;
  return NULL;
}

static wasm_instance_t* instance_with(wasm_store_t* store, const char* text, struct world* world) {
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasmelt_func_new(store, type, ask, world, NULL);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_module_t* module = module_of(store, text);
  wasm_instance_t* instance = instance_of(store, module, items, 1);
  wasm_module_delete(module);
  wasm_func_delete(host);
  wasm_functype_delete(type);
  return instance;
}

static void check_nested(wasm_store_t* outer_store, wasm_store_t* inner_store) {
  struct world world = {.stores = {outer_store, inner_store}};
  wasm_instance_t* outer = instance_with(outer_store,
    "(module (import \"h\" \"ask\" (func)) (func (export \"run\") (call 0))"
    "  (global (export \"number\") i32 (i32.const 1)))", &world);
  wasm_instance_t* inner = instance_with(inner_store,
    "(module (import \"h\" \"ask\" (func)) (func (export \"run\") (call 0))"
    "  (global (export \"number\") i32 (i32.const 2)))", &world);
  wasm_extern_vec_t outer_exports, inner_exports;
  wasm_instance_exports(outer, &outer_exports);
  wasm_instance_exports(inner, &inner_exports);
  world.inner_run = wasm_extern_as_func(inner_exports.data[0]);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  for (int calls = 2; calls <= 6; calls += 2) {
    CHECK(!wasm_func_call(wasm_extern_as_func(outer_exports.data[0]), &none, &none));
    CHECK(world.calls == calls);
    CHECK(is_refused(world.callers[0]) && is_refused(world.callers[1]));
  }
  wasm_extern_vec_delete(&outer_exports);
  wasm_extern_vec_delete(&inner_exports);
  wasm_instance_delete(outer);
  wasm_instance_delete(inner);
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_store_t* other = wasm_store_new(engine);
  check_nested(store, store);
  check_nested(store, other);

  /* The host has no exports. */
  const wasmelt_caller_t* caller = NULL;
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasmelt_func_new(store, type, ask_the_host, &caller, NULL);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_call(func, &none, &none));
  CHECK(caller && is_refused(caller) && is_refused(NULL));
  wasm_func_delete(func);
  wasm_functype_delete(type);

  wasm_store_delete(other);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
