/* Objects of another store or engine, of another kind, and null pointers are refused. */

#include "check.h"

static void finalize(void* count) {
  *(int*)count += 1;
}

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

static const char* const TEXT =
  "(module (import \"h\" \"f\" (func)) (import \"h\" \"m\" (memory 1))"
  "  (import \"h\" \"t\" (table 1 funcref)) (import \"h\" \"g\" (global i32)))";

struct world {
  wasm_engine_t* engine;
  wasm_store_t* store;
  wasm_module_t* module;
  wasm_extern_t* items[4];
};

static struct world make(wasm_engine_t* engine) {
  struct world world = {engine, wasm_store_new(engine), NULL, {NULL}};
  world.module = module_of(world.store, TEXT);
  wasm_limits_t limits = {1, 4};
  wasm_functype_t* func = wasm_functype_new_0_0();
  wasm_memorytype_t* memory = wasm_memorytype_new(&limits);
  wasm_tabletype_t* table = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_globaltype_t* global = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
  wasm_val_t val = WASM_I32_VAL(1);
  world.items[0] = wasm_func_as_extern(wasm_func_new(world.store, func, nothing));
  world.items[1] = wasm_memory_as_extern(wasm_memory_new(world.store, memory));
  world.items[2] = wasm_table_as_extern(wasm_table_new(world.store, table, NULL));
  world.items[3] = wasm_global_as_extern(wasm_global_new(world.store, global, &val));
  for (int i = 0; i < 4; i++) CHECK(world.items[i]);
  wasm_functype_delete(func);
  wasm_memorytype_delete(memory);
  wasm_tabletype_delete(table);
  wasm_globaltype_delete(global);
  return world;
}

static void end(struct world world) {
  for (int i = 0; i < 4; i++) wasm_extern_delete(world.items[i]);
  wasm_module_delete(world.module);
  wasm_store_delete(world.store);
}

/* Each import in turn is another store's. */
static void mix_imports(struct world* own, struct world* other) {
  for (int stranger = 0; stranger < 4; stranger++) {
    wasm_extern_t* items[4];
    memcpy(items, own->items, sizeof items);
    items[stranger] = other->items[stranger];
    wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
    wasm_trap_t* trap = NULL;
    CHECK(!wasm_instance_new(own->store, own->module, &imports, &trap));
    CHECK(trapped_with(trap, WASMELT_FAULT_USAGE) && failed_with(WASMELT_FAULT_USAGE));
  }
}

static void mix_references(struct world* own, struct world* other) {
  wasm_ref_t* func = wasm_extern_as_ref(other->items[0]);
  wasm_table_t* table = wasm_extern_as_table(own->items[2]);
  CHECK(!wasm_table_set(table, 0, func) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_table_grow(table, 1, func) && failed_with(WASMELT_FAULT_USAGE));
  wasm_limits_t limits = {1, 1};
  wasm_tabletype_t* type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  CHECK(!wasm_table_new(own->store, type, func) && failed_with(WASMELT_FAULT_USAGE));
  wasm_tabletype_delete(type);
  wasm_globaltype_t* global = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR);
  wasm_val_t val = WASM_REF_VAL(func);
  CHECK(!wasm_global_new(own->store, global, &val) && failed_with(WASMELT_FAULT_USAGE));
  wasm_globaltype_delete(global);
}

static void mix_engines(struct world* own, struct world* other) {
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(own->items);
  CHECK(!wasm_instance_new(own->store, other->module, &imports, NULL));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_shared_module_t* shared = wasm_module_share(other->module);
  CHECK(!wasm_module_obtain(own->store, shared) && failed_with(WASMELT_FAULT_USAGE));
  wasm_shared_module_delete(shared);
}

static void mix_kinds(struct world* world) {
  wasm_func_t* func = wasm_extern_as_func(world->items[0]);
  for (int i = 1; i < 4; i++) CHECK(!wasm_extern_as_func(world->items[i]));
  CHECK(!wasm_ref_as_instance(wasm_func_as_ref(func)));
  /* A cast of C's own, which the compiler cannot see through. */
  CHECK(!wasm_memory_data((wasm_memory_t*)func) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_table_size((wasm_table_t*)func) && failed_with(WASMELT_FAULT_USAGE));
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call((wasm_func_t*)world->items[1], &none, &none);
  CHECK(trapped_with(trap, WASMELT_FAULT_USAGE));
  wasm_table_t* table = wasm_extern_as_table(world->items[2]);
  CHECK(!wasm_table_set(table, 0, wasm_table_as_ref(table)) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_table_get(table, 1) && failed_with(WASMELT_FAULT_USAGE));
  /* Too few and too many values, and values of another type. */
  wasm_val_t values[2] = {WASM_I64_VAL(1), WASM_I64_VAL(2)};
  wasm_val_vec_t two = WASM_ARRAY_VEC(values);
  CHECK(trapped_with(wasm_func_call(func, &two, &none), WASMELT_FAULT_USAGE));
  CHECK(trapped_with(wasm_func_call(func, &none, &two), WASMELT_FAULT_USAGE));
  wasm_global_t* global = wasm_extern_as_global(world->items[3]);
  wasm_global_set(global, &values[0]);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_val_t unknown = {.kind = 77, .of = {.i64 = 0}};
  wasm_global_set(global, &unknown);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
}

static void pass_null(struct world* world) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(trapped_with(wasm_func_call(NULL, &none, &none), WASMELT_FAULT_USAGE));
  CHECK(!wasm_func_call(wasm_extern_as_func(world->items[0]), NULL, NULL));
  CHECK(!wasm_store_new(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_engine_new_with_config(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_module_new(world->store, NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_module_new(NULL, NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_module_validate(NULL, NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_func_new(world->store, NULL, nothing) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_memory_new(world->store, NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_memory_data(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_functype_params(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_extern_copy(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_ref_get_host_info(NULL) && failed_with(WASMELT_FAULT_USAGE));
  int finalized = 0;
  wasm_ref_set_host_info_with_finalizer(NULL, &finalized, finalize);
  CHECK(finalized == 1 && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_trap_origin(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_globaltype_new(NULL, WASM_CONST) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_tabletype_new(wasm_valtype_new_funcref(), NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_store_close(NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_store_get_fuel(world->store, NULL) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_cache(NULL, NULL, 0) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_module_load_file(world->store, NULL, WASMELT_TRUST_NAMED, NULL));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_module_imports(world->module, NULL);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new(&bytes, 3, NULL);
  CHECK(bytes.size == 0 && failed_with(WASMELT_FAULT_USAGE));
  wasm_extern_t* items[] = {NULL, NULL, NULL, NULL};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  CHECK(!wasm_instance_new(world->store, world->module, &imports, NULL));
  CHECK(failed_with(WASMELT_FAULT_USAGE));

  /* Deleting nothing is no failure, and comparing nothing is none. */
  wasm_config_delete(NULL);
  wasm_engine_delete(NULL);
  wasm_store_delete(NULL);
  wasm_ref_delete(NULL);
  wasm_frame_delete(NULL);
  wasm_functype_delete(NULL);
  wasm_val_delete(NULL);
  wasm_byte_vec_delete(NULL);
  wasmelt_error_delete(NULL);
  wasmelt_interrupt_handle_delete(NULL);
  CHECK(wasm_ref_same(NULL, NULL) && !wasm_func_same(NULL, wasm_extern_as_func(world->items[0])));
  CHECK(!wasm_ref_as_func(NULL) && !wasm_functype_as_externtype(NULL));
  CHECK(none_failed());
}

int main(void) {
  struct world one = make(wasm_engine_new());
  struct world sibling = make(one.engine);
  struct world foreign = make(wasm_engine_new());
  mix_imports(&one, &sibling);
  mix_imports(&one, &foreign);
  mix_references(&one, &sibling);
  mix_references(&one, &foreign);
  mix_engines(&one, &foreign);
  mix_kinds(&one);
  pass_null(&one);
  /* After all that, what fits still works. */
  wasm_instance_delete(instance_of(one.store, one.module, one.items, 4));
  wasm_shared_module_t* shared = wasm_module_share(one.module);
  wasm_module_t* obtained = wasm_module_obtain(sibling.store, shared);
  wasm_instance_delete(instance_of(sibling.store, obtained, sibling.items, 4));
  wasm_module_delete(obtained);
  wasm_shared_module_delete(shared);
  CHECK(none_failed());
  end(one);
  end(sibling);
  wasm_engine_delete(one.engine);
  end(foreign);
  wasm_engine_delete(foreign.engine);
  return all_deleted();
}
