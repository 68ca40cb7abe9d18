/* Calls that end abnormally: why, whose fault it is, and where in the guest. */

#include "example.h"

static wasm_trap_t* refuse(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_store_t* store = env;
  (void)args;
  (void)results;
  wasm_message_t message;
  wasm_name_new_from_string_nt(&message, "the host refuses");
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_byte_vec_delete(&message);
  return trap;
}

static const char* fault_name(wasmelt_fault_t fault) {
  switch (fault) {
    case WASMELT_FAULT_GUEST: return "guest";
    case WASMELT_FAULT_HOST: return "host";
    default: return "other";
  }
}

static void print_frame(const wasm_frame_t* frame, const wasm_instance_t* instance) {
  const wasm_name_t* func = wasmelt_frame_func_name(frame);
  const wasm_name_t* module = wasmelt_frame_module_name(frame);
  expect(wasm_instance_same(wasm_frame_instance(frame), instance), "the frame is the instance's");
  printf("  %s!%s, function %" PRIu32 ", offset %#zx, %zu in the function\n",
    module ? module->data : "?", func ? func->data : "?", wasm_frame_func_index(frame),
    wasm_frame_module_offset(frame), wasm_frame_func_offset(frame));
}

static void call_and_tell(const wasm_extern_t* export, const wasm_instance_t* instance) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func_const(export), &none, &none);
  expect(trap != NULL, "the call traps");
  printf("fault of the %s, %s\n", fault_name(wasmelt_trap_fault(trap)),
    wasmelt_trap_is_deterministic(trap) ? "everywhere" : "here");
  wasm_frame_t* origin = wasm_trap_origin(trap);
  wasm_frame_vec_t trace;
  wasm_trap_trace(trap, &trace);
  expect(origin && trace.size && wasm_frame_module_offset(origin)
    == wasm_frame_module_offset(trace.data[0]), "the trace begins at the origin");
  for (size_t i = 0; i < trace.size; i++) print_frame(trace.data[i], instance);
  wasm_frame_vec_delete(&trace);
  wasm_frame_delete(origin);
  print_trap(trap);
}

int main(void) {
  /* To valgrind, a trap that arrives as a signal is an invalid access: there it is run without. */
  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_signals(config, getenv("NO_SIGNALS") == NULL);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module $example (import \"host\" \"refuse\" (func $refuse))"
    "  (memory 1)"
    "  (func $load (param i32) nop (drop (i32.load (local.get 0))))"
    "  (func (export \"out of bounds\") (call $load (i32.const 65536)))"
    "  (func (export \"refused\") nop nop (call $refuse)))");
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* host = wasm_func_new_with_env(store, type, refuse, store, NULL);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(host)};
  wasm_instance_t* instance = instance_of(store, module, imports, 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  call_and_tell(exports.data[0], instance);
  call_and_tell(exports.data[1], instance);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
