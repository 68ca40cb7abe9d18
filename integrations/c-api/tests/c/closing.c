/* Closing frees at once; handles stay valid, and what they are asked to do is refused. */

#include "check.h"
#include <pthread.h>

static int finalized;

/* A function of the store that is closed. */
static wasm_func_t* host;

static void finalize(void* count) {
  *(int*)count += 1;
}

/* What may not be attached is finalized at once. */
static void refuse_host_info(void) {
  int refused = 0;
  CHECK(!wasm_func_get_host_info(host) && failed_with(WASMELT_FAULT_USAGE));
  wasm_func_set_host_info(host, &refused);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_func_set_host_info_with_finalizer(host, &refused, finalize);
  CHECK(failed_with(WASMELT_FAULT_USAGE) && refused == 1);
}

/* Tries to close its own store, and lets another thread try to use it. */
static void* use_elsewhere(void* store) {
  wasm_limits_t limits = {1, 1};
  wasm_memorytype_t* type = wasm_memorytype_new(&limits);
  CHECK(!wasm_memory_new(store, type));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_store_close(store));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_memorytype_delete(type);
  refuse_host_info();
  return NULL;
}

static wasm_trap_t* meddle(
  void* env, const wasmelt_caller_t* caller,
  const wasm_val_vec_t* args, wasm_val_vec_t* results
) {
  (void)env;
  (void)args;
  (void)results;
  wasm_store_t* store = wasmelt_caller_store(caller);
  CHECK(!wasmelt_store_close(store));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  pthread_t thread;
  CHECK(!pthread_create(&thread, NULL, use_elsewhere, store));
  pthread_join(thread, NULL);
  /* The thread that the store belongs to may ask. */
  CHECK(wasm_func_get_host_info(host) == &finalized);
  return NULL;
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 1);
  wasm_module_t* module = module_of(store,
    "(module (import \"h\" \"f\" (func)) (memory (export \"memory\") 1)"
    "  (table (export \"table\") 1 funcref) (global (export \"global\") (mut i32) (i32.const 1))"
    "  (func (export \"run\") (call 0)))");
  wasm_functype_t* type = wasm_functype_new_0_0();
  host = wasmelt_func_new(store, type, meddle, &finalized, finalize);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_instance_t* instance = instance_of(store, module, items, 1);
  wasm_instance_set_host_info_with_finalizer(instance, &finalized, finalize);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_memory_t* memory = wasm_extern_as_memory(exports.data[0]);
  wasm_table_t* table = wasm_extern_as_table(exports.data[1]);
  wasm_global_t* global = wasm_extern_as_global(exports.data[2]);
  wasm_func_t* run = wasm_extern_as_func(exports.data[3]);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  CHECK(!wasm_func_get_host_info(host));
  wasm_func_set_host_info(host, &finalized);
  CHECK(!wasm_func_call(run, &none, &none));
  CHECK(none_failed());

  /* The store is used again after a host function, and closed once. */
  CHECK(wasm_memory_data_size(memory) == 65536 && finalized == 0);
  CHECK(wasmelt_store_close(store));
  CHECK(finalized == 2);
  CHECK(wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 0);
  CHECK(wasmelt_store_close(store) && finalized == 2);

  refuse_host_info();
  CHECK(trapped_with(wasm_func_call(run, &none, &none), WASMELT_FAULT_USAGE));
  CHECK(!wasm_memory_data(memory) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_memory_data_size(memory) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_memory_grow(memory, 0) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_table_get(table, 0) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_table_set(table, 0, NULL) && failed_with(WASMELT_FAULT_USAGE));
  wasm_val_t val;
  wasm_global_get(global, &val);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  wasm_global_set(global, &val);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_func_type(run) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_extern_type(exports.data[0]) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_func_new(store, type, NULL) && failed_with(WASMELT_FAULT_USAGE));
  wasm_extern_vec_t nothing;
  wasm_instance_exports(instance, &nothing);
  CHECK(nothing.size == 0 && failed_with(WASMELT_FAULT_USAGE));
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  CHECK(!wasm_instance_new(store, module, &imports, NULL) && failed_with(WASMELT_FAULT_USAGE));
  /* The module is the engine's: another store takes it. */
  wasm_store_t* second = wasm_store_new(engine);
  wasm_func_t* other = wasmelt_func_new(second, type, meddle, &finalized, finalize);
  wasm_extern_t* others[] = {wasm_func_as_extern(other)};
  wasm_instance_t* second_instance = instance_of(second, module, others, 1);

  /* An engine closes its stores and modules. */
  CHECK(wasmelt_engine_close(engine));
  CHECK(finalized == 3 && wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 0);
  CHECK(!wasm_store_new(engine) && failed_with(WASMELT_FAULT_USAGE));
  wasm_exporttype_vec_t types;
  wasm_module_exports(module, &types);
  CHECK(types.size == 0 && failed_with(WASMELT_FAULT_USAGE));

  wasm_instance_delete(second_instance);
  wasm_func_delete(other);
  wasm_store_delete(second);
  wasm_functype_delete(type);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  CHECK(finalized == 3);
  return all_deleted();
}
