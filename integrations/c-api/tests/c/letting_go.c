/* Finalizers, and host functions, may let go of everything that a running call was given, and of what that keeps. */

#include "check.h"

/* What the program has of a store. */
struct world {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_func_t* host;
  wasm_memory_t* memory;
  wasm_instance_t* instance;
  wasm_extern_vec_t exports;
  bool returns_trap;
  int times;
};

/* Twice does no harm. */
static void let_go(void* env) {
  struct world* world = env;
  wasm_extern_vec_delete(&world->exports);
  wasm_instance_delete(world->instance);
  wasm_memory_delete(world->memory);
  wasm_func_delete(world->host);
  wasm_module_delete(world->module);
  wasm_store_delete(world->store);
  wasm_engine_delete(world->engine);
  *world = (struct world){.returns_trap = world->returns_trap, .times = world->times + 1};
}

static wasm_trap_t* let_go_in_call(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  struct world* world = env;
  (void)args;
  wasm_trap_t* trap = NULL;
  if (world->returns_trap) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "let go");
    trap = wasm_trap_new(world->store, &message);
    wasm_byte_vec_delete(&message);
  }
  let_go(world);
  results->data[0] = (wasm_val_t)WASM_I32_VAL(7);
  return trap;
}

static wasm_trap_t* nothing(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env;
  (void)args;
  (void)results;
  return NULL;
}

static void begin(struct world* world) {
  *world = (struct world){.engine = wasm_engine_new()};
  world->store = wasm_store_new(world->engine);
}

/* A function that lets go with its store. */
static void finalize_with_store(struct world* world) {
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_delete(wasm_func_new_with_env(world->store, type, nothing, world, let_go));
  wasm_functype_delete(type);
  CHECK(world->times == 0 && none_failed());
}

static void while_closing(void) {
  struct world world;
  begin(&world);
  finalize_with_store(&world);
  CHECK(wasmelt_store_close(world.store));
  CHECK(world.times == 1 && wasmelt_live_total() == 0);

  begin(&world);
  finalize_with_store(&world);
  CHECK(wasmelt_engine_close(world.engine));
  CHECK(world.times == 1 && wasmelt_live_total() == 0);
}

static void while_host_info_is_set(void) {
  struct world world;
  begin(&world);
  wasm_limits_t limits = {1, 1};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  world.memory = wasm_memory_new(world.store, type);
  wasm_memorytype_delete(type);
  wasm_memory_set_host_info_with_finalizer(world.memory, &world, let_go);
  CHECK(world.times == 0);
  wasm_memory_set_host_info(world.memory, NULL);
  CHECK(world.times == 1 && none_failed() && wasmelt_live_total() == 0);
}

/* What a closed store refuses is finalized. */
static void while_refused(void) {
  struct world world;
  begin(&world);
  CHECK(wasmelt_store_close(world.store));
  wasm_functype_t* type = wasm_functype_new_0_0();
  CHECK(!wasm_func_new_with_env(world.store, type, nothing, &world, let_go));
  CHECK(world.times == 1 && failed_with(WASMELT_FAULT_USAGE));
  wasm_functype_delete(type);
  CHECK(wasmelt_live_total() == 0);
}

/* A module with one import, a function that lets go. */
static void prepare(struct world* world, const char* text, bool returns_trap) {
  begin(world);
  world->returns_trap = returns_trap;
  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  world->host = wasm_func_new_with_env(world->store, type, let_go_in_call, world, NULL);
  wasm_functype_delete(type);
  world->module = module_of(world->store, text);
}

static void check_let_go(struct world* world, wasm_trap_t* trap) {
  CHECK(trap && wasmelt_trap_fault(trap) == WASMELT_FAULT_HOST);
  CHECK(world->times == 1 && wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 0);
  wasm_frame_t* origin = wasm_trap_origin(trap);
  CHECK(origin && !wasm_frame_instance(origin) && wasm_frame_func_index(origin) == 1);
  wasm_frame_delete(origin);
  wasm_trap_delete(trap);
  CHECK(wasmelt_live_total() == 0);
}

static void while_starting(void) {
  static const char* const TEXT =
    "(module (import \"h\" \"f\" (func (result i32))) (global $got (mut i32) (i32.const 0))"
    "  (start $start) (func $start (global.set $got (call 0))) (export \"got\" (global $got)))";
  struct world world;
  prepare(&world, TEXT, false);
  wasm_extern_t* items[] = {wasm_func_as_extern(world.host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), exports;
  wasm_trap_t* trap;
  wasm_instance_t* instance = wasm_instance_new(world.store, world.module, &imports, &trap);
  CHECK(instance && !trap && world.times == 1 && !world.store);
  wasm_instance_exports(instance, &exports);
  wasm_val_t val;
  wasm_global_get(wasm_extern_as_global(exports.data[0]), &val);
  CHECK(val.kind == WASM_I32 && val.of.i32 == 7);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  CHECK(wasmelt_live_total() == 0);

  prepare(&world, TEXT, true);
  items[0] = wasm_func_as_extern(world.host);
  CHECK(!wasm_instance_new(world.store, world.module, &imports, &trap));
  CHECK(failed_with(WASMELT_FAULT_HOST));
  check_let_go(&world, trap);
}

static void while_called(void) {
  static const char* const TEXT =
    "(module (import \"h\" \"f\" (func (result i32))) (func (export \"run\") (result i32) (call 0)))";
  struct world world;
  for (int returns_trap = 0; returns_trap < 2; returns_trap++) {
    prepare(&world, TEXT, returns_trap);
    wasm_extern_t* items[] = {wasm_func_as_extern(world.host)};
    world.instance = instance_of(world.store, world.module, items, 1);
    wasm_instance_exports(world.instance, &world.exports);
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    wasm_val_t results[] = {WASM_INIT_VAL};
    wasm_val_vec_t outs = WASM_ARRAY_VEC(results);
    wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(world.exports.data[0]), &none, &outs);
    CHECK(results[0].kind == WASM_I32 && results[0].of.i32 == (returns_trap ? 0 : 7));
    if (returns_trap) check_let_go(&world, trap);
    CHECK(world.times == 1 && wasmelt_live_total() == 0);
  }
}

/* Where an instance's trap is to be written, and what the start function of another one has written there. */
static struct {
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_trap_t* trap;
} place;

static wasm_trap_t* fail_in_the_same_place(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)env, (void)args, (void)results;
  wasm_extern_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_instance_new(place.store, place.module, &none, &place.trap));
  return place.trap;
}

static void in_the_same_place(void) {
  wasm_engine_t* engine = wasm_engine_new();
  place.store = wasm_store_new(engine);
  place.module = module_of(place.store, "(module (start 0) (func unreachable))");
  wasm_module_t* outer =
    module_of(place.store, "(module (import \"h\" \"f\" (func)) (func (call 0)) (start 1))");
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(place.store, type, fail_in_the_same_place, NULL, NULL);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  CHECK(!wasm_instance_new(place.store, outer, &imports, &place.trap));
  CHECK(place.trap && failed_with(WASMELT_FAULT_GUEST));
  wasm_trap_delete(place.trap);
  wasm_functype_delete(type);
  wasm_func_delete(host);
  wasm_module_delete(outer);
  wasm_module_delete(place.module);
  wasm_store_delete(place.store);
  wasm_engine_delete(engine);
  CHECK(wasmelt_live_total() == 0);
}

int main(void) {
  in_the_same_place();
  while_closing();
  while_host_info_is_set();
  while_refused();
  while_starting();
  while_called();
  return all_deleted();
}
