/* Traps through several activations and instances: whose frames they have, and what a failed start leaves. */

#include "check.h"

struct inner {
  wasm_func_t* func;
  bool returns_trap;
  int traps;
};

static int finalized;

static void finalize(void* count) {
  *(int*)count += 1;
}

/* Calls a guest from a guest's call, and returns its trap, or none. */
static wasm_trap_t* call_inner(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct inner* inner = env;
  (void)args;
  (void)results;
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(inner->func, &none, &none);
  CHECK(trap && wasmelt_trap_code(trap) == WASMELT_TRAP_UNREACHABLE);
  inner->traps++;
  if (inner->returns_trap) return trap;
  wasm_trap_delete(trap);
  return NULL;
}

/* A value of another type than the function's. */
static wasm_trap_t* wrong(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0] = (wasm_val_t)WASM_F64_VAL(1);
  return NULL;
}

/* Leaves the result as it is: zero of the right type. */
static wasm_trap_t* lazy(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  CHECK(results->size == 1 && results->data[0].kind == WASM_I32);
  return NULL;
}

static wasm_trap_t* call_0(const wasm_extern_t* item, wasm_val_vec_t* results) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  return wasm_func_call(wasm_extern_as_func_const(item), &none, results);
}

int main(void) {
  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_signals(config, false);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* inner_module = module_of(store, "(module $inner (func (export \"f\") unreachable))");
  wasm_module_t* outer_module = module_of(store,
    "(module $outer (import \"h\" \"f\" (func $f)) (func $mid (call $f))"
    "  (func (export \"f\") (call $mid)))");
  wasm_instance_t* inner_instance = instance_of(store, inner_module, NULL, 0);
  wasm_extern_vec_t inner_exports, outer_exports;
  wasm_instance_exports(inner_instance, &inner_exports);
  struct inner inner = {wasm_extern_as_func(inner_exports.data[0]), true, 0};
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, call_inner, &inner, NULL);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_instance_t* outer_instance = instance_of(store, outer_module, items, 1);
  wasm_instance_exports(outer_instance, &outer_exports);
  wasm_val_vec_t none = WASM_EMPTY_VEC;

  /* The inner trap comes out as it was, with the frames of both calls. */
  wasm_trap_t* trap = call_0(outer_exports.data[0], &none);
  CHECK(trap && wasmelt_trap_code(trap) == WASMELT_TRAP_UNREACHABLE);
  CHECK(wasmelt_trap_fault(trap) == WASMELT_FAULT_GUEST && wasmelt_trap_is_deterministic(trap));
  wasm_frame_vec_t frames, copies;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 3);
  wasm_frame_vec_copy(&copies, &frames);
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);
  CHECK(wasm_instance_same(wasm_frame_instance(copies.data[0]), inner_instance));
  CHECK(wasm_instance_same(wasm_frame_instance(copies.data[1]), outer_instance));
  CHECK(wasm_instance_same(wasm_frame_instance(copies.data[2]), outer_instance));
  CHECK(!strcmp(wasmelt_frame_module_name(copies.data[0])->data, "inner"));
  CHECK(!strcmp(wasmelt_frame_func_name(copies.data[1])->data, "mid"));
  CHECK(wasm_frame_func_index(copies.data[1]) == 1 && wasm_frame_func_index(copies.data[2]) == 2);
  CHECK(wasm_frame_func_offset(copies.data[0]) == 1);
  wasm_frame_vec_delete(&copies);

  /* A trap that the host function keeps to itself ends nothing. */
  inner.returns_trap = false;
  CHECK(!call_0(outer_exports.data[0], &none) && inner.traps == 2);

  /* Of two instances it cannot be said which one a frame is of. */
  wasm_instance_t* second = instance_of(store, inner_module, NULL, 0);
  trap = call_0(inner_exports.data[0], &none);
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && !wasm_frame_instance(origin));
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
  wasm_instance_delete(second);

  /* Nor of one that was made, and one whose start function traps. */
  wasm_module_t* starting = module_of(store,
    "(module (import \"h\" \"g\" (global i32)) (func $start (if (global.get 0) (then unreachable)))"
    "  (start $start))");
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
  wasm_val_t zero = WASM_I32_VAL(0), one = WASM_I32_VAL(1);
  wasm_global_t* calm = wasm_global_new(store, global_type, &zero);
  wasm_global_t* wild = wasm_global_new(store, global_type, &one);
  wasm_globaltype_delete(global_type);
  wasm_extern_t* calm_items[] = {wasm_global_as_extern(calm)};
  wasm_extern_t* wild_items[] = {wasm_global_as_extern(wild)};
  wasm_instance_t* started = instance_of(store, starting, calm_items, 1);
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(wild_items);
  CHECK(!wasm_instance_new(store, starting, &imports, &trap) && failed_with(WASMELT_FAULT_GUEST));
  CHECK(wasmelt_trap_code(trap) == WASMELT_TRAP_UNREACHABLE);
  origin = wasm_trap_origin(trap);
  CHECK(origin && !wasm_frame_instance(origin));
  CHECK(!strcmp(wasmelt_frame_func_name(origin)->data, "start"));
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);

  /* A trap outlives its store; its frames have no instance then. */
  wasm_store_t* short_lived = wasm_store_new(engine);
  wasm_module_t* module = module_of(short_lived, "(module (func (export \"f\") unreachable))");
  wasm_instance_t* instance = instance_of(short_lived, module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  trap = call_0(exports.data[0], &none);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(short_lived);
  CHECK(wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 1);
  origin = wasm_trap_origin(trap);
  CHECK(origin && !wasm_frame_instance(origin) && wasm_frame_func_offset(origin) == 1);
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);

  /* Results of the host's functions have their types. */
  wasm_functype_t* number = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* wrong_func = wasm_func_new(store, number, wrong);
  wasm_func_t* lazy_func = wasm_func_new(store, number, lazy);
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t outs = WASM_ARRAY_VEC(results);
  CHECK(trapped_with(call_0(wasm_func_as_extern(wrong_func), &outs), WASMELT_FAULT_HOST));
  CHECK(!call_0(wasm_func_as_extern(lazy_func), &outs));
  CHECK(results[0].kind == WASM_I32 && results[0].of.i32 == 0);

  /* Where there is no function, its environment is finalized at once. */
  CHECK(!wasm_func_new_with_env(store, number, NULL, &finalized, finalize) && finalized == 1);
  CHECK(!wasmelt_func_new(NULL, number, NULL, &finalized, finalize) && finalized == 2);
  wasmelt_error_delete(wasmelt_last_error());

  wasm_func_delete(wrong_func);
  wasm_func_delete(lazy_func);
  wasm_functype_delete(number);
  wasm_functype_delete(type);
  wasm_instance_delete(started);
  wasm_global_delete(calm);
  wasm_global_delete(wild);
  wasm_module_delete(starting);
  wasm_extern_vec_delete(&inner_exports);
  wasm_extern_vec_delete(&outer_exports);
  wasm_instance_delete(inner_instance);
  wasm_instance_delete(outer_instance);
  wasm_func_delete(host);
  wasm_module_delete(inner_module);
  wasm_module_delete(outer_module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
