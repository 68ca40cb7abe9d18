/* Globals and tables that the host makes, and a guest uses. */

#include "example.h"

static wasm_trap_t* triple(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0].kind = WASM_I32;
  results->data[0].of.i32 = 3 * args->data[0].of.i32;
  return NULL;
}

static void call_at(const wasm_func_t* func, int32_t index, int32_t number) {
  wasm_val_t arguments[] = {WASM_I32_VAL(index), WASM_I32_VAL(number)};
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(arguments), outs = WASM_ARRAY_VEC(results);
  wasm_trap_t* trap = wasm_func_call(func, &args, &outs);
  if (trap) {
    print_trap(trap);
  } else {
    printf("element %" PRId32 " of %" PRId32 " gives %" PRId32 "\n", index, number,
      results[0].of.i32);
  }
}

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (type $f (func (param i32) (result i32)))"
    "  (import \"host\" \"calls\" (global $calls (mut i64)))"
    "  (import \"host\" \"table\" (table 2 funcref))"
    "  (func $double (export \"double\") (type $f) (i32.mul (local.get 0) (i32.const 2)))"
    "  (elem (i32.const 0) $double)"
    "  (func (export \"call\") (param i32 i32) (result i32)"
    "    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))"
    "    (call_indirect (type $f) (local.get 1) (local.get 0))))");

  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
  wasm_val_t start = WASM_I64_VAL(1000);
  wasm_global_t* calls = wasm_global_new(store, global_type, &start);
  wasm_globaltype_delete(global_type);
  wasm_limits_t limits = {2, 4};
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &limits);
  wasm_table_t* table = wasm_table_new(store, table_type, NULL);
  wasm_tabletype_delete(table_type);
  expect(calls && table, "the host makes what the module imports");

  wasm_extern_t* imports[] = {wasm_global_as_extern(calls), wasm_table_as_extern(table)};
  wasm_instance_t* instance = instance_of(store, module, imports, 2);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  const wasm_func_t* call = wasm_extern_as_func(exports.data[1]);

  call_at(call, 0, 7);
  call_at(call, 1, 7);
  wasm_functype_t* type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new(store, type, triple);
  wasm_functype_delete(type);
  expect(wasm_table_set(table, 1, wasm_func_as_ref(host)), "the table has two elements");
  call_at(call, 1, 7);
  expect(wasm_table_grow(table, 1, wasm_func_as_ref(host)), "it may have four");
  call_at(call, 2, 5);
  expect(!wasm_table_grow(table, 2, NULL), "but not five");
  print_last_error();

  /* What the guest put into the table is what it exports. */
  wasm_ref_t* element = wasm_table_get(table, 0);
  expect(wasm_ref_same(element, wasm_extern_as_ref(exports.data[0])), "it is the same function");
  wasm_ref_delete(element);
  wasm_val_t counted;
  wasm_global_get(calls, &counted);
  printf("%" PRId64 " calls and %" PRIu32 " elements\n", counted.of.i64, wasm_table_size(table));
  wasm_val_delete(&counted);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_table_delete(table);
  wasm_global_delete(calls);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
