/* Each object is counted under its own kind, until it is deleted. */

#include "check.h"

/* One more of a kind than before a statement, and as many as before after another. */
#define COUNTED(kind, make, end) \
  do { \
    uint64_t before = wasmelt_live_count(kind), total = wasmelt_live_total(); \
    make; \
    CHECK(wasmelt_live_count(kind) == before + 1 && wasmelt_live_total() > total); \
    end; \
    CHECK(wasmelt_live_count(kind) == before && wasmelt_live_total() == total); \
  } while (0)

#define COUNTED_OBJECT(kind, name, make) \
  COUNTED(kind, wasm_##name##_t* object = make, wasm_##name##_delete(object))

static wasm_trap_t* nothing(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  (void)results;
  return NULL;
}

int main(void) {
  CHECK(wasmelt_live_total() == 0);
  COUNTED_OBJECT(WASMELT_LIVE_CONFIG, config, wasm_config_new());
  COUNTED_OBJECT(WASMELT_LIVE_ENGINE, engine, wasm_engine_new());
  COUNTED_OBJECT(WASMELT_LIVE_VALTYPE, valtype, wasm_valtype_new_i32());
  COUNTED_OBJECT(WASMELT_LIVE_EXTERNTYPE, functype, wasm_functype_new_0_0());
  COUNTED(WASMELT_LIVE_VECTOR, wasm_byte_vec_t vec; wasm_byte_vec_new(&vec, 1, "x"),
    wasm_byte_vec_delete(&vec));

  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_interruption(config, true);
  wasmelt_config_set_signals(config, false);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  COUNTED_OBJECT(WASMELT_LIVE_STORE, store, wasm_store_new(engine));
  COUNTED_OBJECT(WASMELT_LIVE_OPEN_STORE, store, wasm_store_new(engine));
  wasm_store_t* store = wasm_store_new(engine);
  CHECK(!wasmelt_store_set_fuel(store, 1));
  COUNTED(WASMELT_LIVE_ERROR, wasmelt_error_t* error = wasmelt_last_error(),
    wasmelt_error_delete(error));
  COUNTED(WASMELT_LIVE_INTERRUPT_HANDLE,
    wasmelt_interrupt_handle_t* handle = wasmelt_interrupt_handle_new(store),
    wasmelt_interrupt_handle_delete(handle));
  COUNTED_OBJECT(WASMELT_LIVE_FOREIGN, foreign, wasm_foreign_new(store));
  wasm_message_t message = WASM_EMPTY_VEC;
  COUNTED_OBJECT(WASMELT_LIVE_TRAP, trap, wasm_trap_new(store, &message));

  wasm_module_t* module = module_of(store,
    "(module (import \"a\" \"b\" (func)) (memory (export \"m\") 1) (func (export \"f\") unreachable))");
  COUNTED_OBJECT(WASMELT_LIVE_MODULE, module, wasm_module_copy(module));
  COUNTED_OBJECT(WASMELT_LIVE_SHARED_MODULE, shared_module, wasm_module_share(module));
  COUNTED(WASMELT_LIVE_IMPORTTYPE, wasm_importtype_vec_t v; wasm_module_imports(module, &v),
    wasm_importtype_vec_delete(&v));
  wasm_exporttype_vec_t types;
  wasm_module_exports(module, &types);
  COUNTED_OBJECT(WASMELT_LIVE_EXPORTTYPE, exporttype, wasm_exporttype_copy(types.data[0]));
  wasm_exporttype_vec_delete(&types);

  wasm_limits_t limits = {1, 1};
  wasm_functype_t* func_type = wasm_functype_new_0_0();
  wasm_memorytype_t* memory_type = wasm_memorytype_new(&limits);
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_i32(), WASM_CONST);
  wasm_val_t val = WASM_I32_VAL(1);
  COUNTED_OBJECT(WASMELT_LIVE_FUNC, func, wasm_func_new(store, func_type, nothing));
  COUNTED_OBJECT(WASMELT_LIVE_MEMORY, memory, wasm_memory_new(store, memory_type));
  COUNTED_OBJECT(WASMELT_LIVE_TABLE, table, wasm_table_new(store, table_type, NULL));
  COUNTED_OBJECT(WASMELT_LIVE_GLOBAL, global, wasm_global_new(store, global_type, &val));
  wasm_func_t* func = wasm_func_new(store, func_type, nothing);
  wasm_extern_t* items[] = {wasm_func_as_extern(func)};
  COUNTED_OBJECT(WASMELT_LIVE_INSTANCE, instance, instance_of(store, module, items, 1));
  wasm_instance_t* instance = instance_of(store, module, items, 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[1]), &none, &none);
  COUNTED_OBJECT(WASMELT_LIVE_FRAME, frame, wasm_trap_origin(trap));
  wasm_trap_delete(trap);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(func);
  wasm_functype_delete(func_type);
  wasm_memorytype_delete(memory_type);
  wasm_tabletype_delete(table_type);
  wasm_globaltype_delete(global_type);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
