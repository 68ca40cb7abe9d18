/* Keeps a guest within bounds: fuel, interruption, and limits. */

#include "example.h"
#include <pthread.h>

static void* interrupt(void* handle) {
  wasmelt_interrupt_handle_interrupt(handle);
  return NULL;
}

static wasm_trap_t* call(const wasm_extern_t* export, wasm_val_vec_t* results) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  return wasm_func_call(wasm_extern_as_func_const(export), &none, results);
}

int main(void) {
  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_fuel(config, true);
  wasmelt_config_set_interruption(config, true);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (memory 1)"
    "  (func (export \"forever\") (loop (br 0)))"
    "  (func (export \"grow\") (result i32) (memory.grow (i32.const 1))))");
  wasm_instance_t* instance = instance_of(store, module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_vec_t none = WASM_EMPTY_VEC;

  /* Fuel ends the call at the same place everywhere. */
  expect(wasmelt_store_set_fuel(store, 1000), "the engine meters fuel");
  wasm_trap_t* trap = call(exports.data[0], &none);
  expect(trap && wasmelt_trap_code(trap) == WASMELT_TRAP_OUT_OF_FUEL, "it ends for want of fuel");
  expect(wasmelt_trap_fault(trap) == WASMELT_FAULT_LIMIT, "which is a limit");
  print_trap(trap);
  uint64_t fuel = 1;
  expect(wasmelt_store_get_fuel(store, &fuel), "what is left can be asked");
  printf("%" PRIu64 " left\n", fuel);

  /* Another thread ends it at any time. */
  wasmelt_store_set_fuel(store, UINT64_MAX);
  wasmelt_interrupt_handle_t* handle = wasmelt_interrupt_handle_new(store);
  expect(handle != NULL, "the engine allows interruption");
  pthread_t thread;
  expect(pthread_create(&thread, NULL, interrupt, handle) == 0, "a thread starts");
  trap = call(exports.data[0], &none);
  pthread_join(thread, NULL);
  expect(trap && !wasmelt_trap_is_deterministic(trap), "when is not the same everywhere");
  print_trap(trap);
  wasmelt_interrupt_handle_delete(handle);

  /* A limit refuses growth, or ends the call. */
  wasmelt_limits_t limits;
  wasmelt_limits_init(&limits);
  limits.memory_bytes = 65536;
  expect(wasmelt_store_set_limits(store, &limits), "limits can be set at any time");
  wasm_val_t result[] = {WASM_INIT_VAL};
  wasm_val_vec_t results = WASM_ARRAY_VEC(result);
  expect(call(exports.data[1], &results) == NULL, "the guest is told");
  printf("memory.grow gave %" PRId32 "\n", result[0].of.i32);
  limits.trap_on_refusal = true;
  wasmelt_store_set_limits(store, &limits);
  print_trap(call(exports.data[1], &results));
  limits.instances = 1;
  wasm_extern_vec_t imports = WASM_EMPTY_VEC;
  wasmelt_store_set_limits(store, &limits);
  expect(!wasm_instance_new(store, module, &imports, &trap), "one instance is enough");
  print_trap(trap);
  wasmelt_error_delete(wasmelt_last_error());

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
