/* A guest calls a function of the host. */

#include "example.h"

static wasm_trap_t* greet(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  int* greetings = env;
  (void)results;
  *greetings += 1;
  printf("hello, %" PRId32 "\n", args->data[0].of.i32);
  return NULL;
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (import \"host\" \"greet\" (func $greet (param i32)))"
    "  (func (export \"run\") (param i32) (result i32)"
    "    (call $greet (local.get 0)) (i32.mul (local.get 0) (i32.const 2))))");

  int greetings = 0;
  wasm_functype_t* type = wasm_functype_new_1_0(wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new_with_env(store, type, greet, &greetings, NULL);
  wasm_functype_delete(type);

  wasm_extern_t* imports[] = {wasm_func_as_extern(host)};
  wasm_instance_t* instance = instance_of(store, module, imports, 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_func_t* run = wasm_extern_as_func(exports.data[0]);

  wasm_val_t arguments[] = {WASM_I32_VAL(21)};
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arguments), outs = WASM_ARRAY_VEC(results);
  wasm_trap_t* trap = wasm_func_call(run, &args, &outs);
  expect(trap == NULL, "the call returns");
  printf("%" PRId32 " after %d greeting\n", results[0].of.i32, greetings);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
