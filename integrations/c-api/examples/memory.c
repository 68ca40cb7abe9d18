/* The host reads and writes a guest's memory, between calls and during one. */

#include "example.h"

/* Prints a text that the calling instance has in its memory. */
static wasm_trap_t* print_text(
  void* env, const wasmelt_caller_t* caller,
  const wasm_val_vec_t* args, wasm_val_vec_t* results
) {
  (void)env;
  (void)results;
  wasm_extern_t* found = wasmelt_caller_export(caller, "memory");
  wasm_memory_t* memory = found ? wasm_extern_as_memory(found) : NULL;
  expect(memory != NULL, "the caller exports its memory");
  uint32_t start = (uint32_t)args->data[0].of.i32, length = (uint32_t)args->data[1].of.i32;
  size_t size = wasm_memory_data_size(memory);
  wasm_trap_t* trap = NULL;
  if (start > size || length > size - start) {
    wasm_message_t message;
    wasm_name_new_from_string_nt(&message, "the text is outside memory");
    trap = wasm_trap_new(wasmelt_caller_store(caller), &message);
    wasm_byte_vec_delete(&message);
  } else {
    printf("%.*s\n", (int)length, wasm_memory_data(memory) + start);
  }
  wasm_extern_delete(found);
  return trap;
}

static wasm_trap_t* call_2(wasm_func_t* func, int32_t a, int32_t b) {
  wasm_val_t arguments[] = {WASM_I32_VAL(a), WASM_I32_VAL(b)};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arguments), outs = WASM_EMPTY_VEC;
  return wasm_func_call(func, &args, &outs);
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (import \"host\" \"print\" (func $print (param i32 i32)))"
    "  (memory (export \"memory\") 1 3) (data (i32.const 8) \"from the guest\")"
    "  (func (export \"print\") (param i32 i32) (call $print (local.get 0) (local.get 1))))");

  wasm_functype_t* type = wasm_functype_new_2_0(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* host = wasmelt_func_new(store, type, print_text, NULL, NULL);
  wasm_functype_delete(type);
  wasm_extern_t* imports[] = {wasm_func_as_extern(host)};
  wasm_instance_t* instance = instance_of(store, module, imports, 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_memory_t* memory = wasm_extern_as_memory(exports.data[0]);
  wasm_func_t* print = wasm_extern_as_func(exports.data[1]);

  expect(call_2(print, 8, 14) == NULL, "the guest's text is printed");
  const char text[] = "from the host";
  memcpy(wasm_memory_data(memory) + 100, text, sizeof text - 1);
  expect(call_2(print, 100, (int32_t)sizeof text - 1) == NULL, "the host's text is printed");
  print_trap(call_2(print, 65530, 14));

  printf("%" PRIu32 " page, ", wasm_memory_size(memory));
  expect(wasm_memory_grow(memory, 1), "there is room for another page");
  printf("then %" PRIu32 ", %zu bytes\n", wasm_memory_size(memory), wasm_memory_data_size(memory));
  expect(!wasm_memory_grow(memory, 2), "three pages are the maximum");
  print_last_error();

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
