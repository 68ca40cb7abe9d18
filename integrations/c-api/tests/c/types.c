/* Types: made, taken apart, copied, cast, and read from modules. */

#include "check.h"

static bool is_name(const wasm_name_t* name, const char* text) {
  return name->size == strlen(text) && !memcmp(name->data, text, name->size);
}

static void check_functype(const wasm_functype_t* type) {
  const wasm_valtype_vec_t* params = wasm_functype_params(type);
  const wasm_valtype_vec_t* results = wasm_functype_results(type);
  CHECK(params->size == 2 && results->size == 1);
  CHECK(wasm_valtype_kind(params->data[0]) == WASM_I32);
  CHECK(wasm_valtype_kind(params->data[1]) == WASM_F64);
  CHECK(wasm_valtype_kind(results->data[0]) == WASM_I64);
}

static void check_externtype(const wasm_externtype_t* type, wasm_externkind_t kind) {
  CHECK(wasm_externtype_kind(type) == kind);
  CHECK((wasm_externtype_as_functype_const(type) != NULL) == (kind == WASM_EXTERN_FUNC));
  CHECK((wasm_externtype_as_globaltype_const(type) != NULL) == (kind == WASM_EXTERN_GLOBAL));
  CHECK((wasm_externtype_as_tabletype_const(type) != NULL) == (kind == WASM_EXTERN_TABLE));
  CHECK((wasm_externtype_as_memorytype_const(type) != NULL) == (kind == WASM_EXTERN_MEMORY));
}

static void check_limits(const wasm_limits_t* limits, uint32_t min, uint32_t max) {
  CHECK(limits->min == min && limits->max == max);
}

int main(void) {
  for (int kind = 0; kind < 256; kind++) {
    bool exists = kind <= WASM_F64 || kind == WASM_EXTERNREF || kind == WASM_FUNCREF;
    wasm_valtype_t* type = wasm_valtype_new((wasm_valkind_t)kind);
    CHECK((type != NULL) == exists);
    if (exists) CHECK(wasm_valtype_kind(type) == kind);
    else CHECK(failed_with(WASMELT_FAULT_USAGE));
    wasm_valtype_delete(type);
  }
  wasm_functype_t* func = wasm_functype_new_2_1(
    wasm_valtype_new_i32(), wasm_valtype_new_f64(), wasm_valtype_new_i64());
  check_functype(func);
  wasm_functype_t* copy = wasm_functype_copy(func);
  wasm_functype_delete(func);
  check_functype(copy);
  wasm_externtype_t* externtype = wasm_functype_as_externtype(copy);
  check_externtype(externtype, WASM_EXTERN_FUNC);
  CHECK(wasm_externtype_as_functype(externtype) == copy);

  /* A copy of a vector has copies of its elements. */
  wasm_externtype_vec_t types, types_copy;
  wasm_externtype_vec_new(&types, 1, &externtype);
  wasm_externtype_vec_copy(&types_copy, &types);
  wasm_externtype_vec_delete(&types);
  CHECK(types.size == 0 && types.data == NULL);
  wasm_externtype_vec_delete(&types);
  check_functype(wasm_externtype_as_functype_const(types_copy.data[0]));

  /* One empty vector serves twice, and none is an empty one. */
  wasm_valtype_vec_t empty = WASM_EMPTY_VEC;
  wasm_functype_t* none = wasm_functype_new(&empty, &empty);
  CHECK(wasm_functype_params(none)->size == 0 && wasm_functype_results(none)->size == 0);
  wasm_functype_delete(none);
  none = wasm_functype_new(NULL, NULL);
  CHECK(none && wasm_functype_params(none)->size == 0);
  wasm_functype_delete(none);
  wasm_valtype_t* with_null[] = {NULL};
  wasm_valtype_vec_new(&empty, 1, with_null);
  CHECK(!wasm_functype_new(&empty, NULL) && failed_with(WASMELT_FAULT_USAGE));

  wasm_name_t module_name, name;
  wasm_name_new_from_string(&module_name, "module");
  wasm_name_new_from_string(&name, "name");
  wasm_importtype_t* import = wasm_importtype_new(
    &module_name, &name, wasm_externtype_copy(types_copy.data[0]));
  CHECK(is_name(wasm_importtype_module(import), "module"));
  CHECK(is_name(wasm_importtype_name(import), "name"));
  check_externtype(wasm_importtype_type(import), WASM_EXTERN_FUNC);
  wasm_importtype_delete(import);
  wasm_externtype_vec_delete(&types_copy);

  /* A vector of elements that were never set deletes nothing. */
  wasm_exporttype_vec_t unset;
  wasm_exporttype_vec_new_uninitialized(&unset, 5);
  CHECK(unset.size == 5 && !unset.data[4]);
  wasm_exporttype_vec_delete(&unset);
  CHECK(!wasm_globaltype_new(wasm_valtype_new_i32(), 2) && failed_with(WASMELT_FAULT_USAGE));

  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (import \"a\" \"f\" (func (param i32 f64) (result i64)))"
    "  (import \"b\" \"g\" (global (mut f32))) (import \"\" \"m\" (memory 1 7))"
    "  (table (export \"t\") 3 funcref) (export \"m2\" (memory 0))"
    "  (export \"f2\" (func 0)) (export \"g2\" (global 0)))");
  wasm_importtype_vec_t imports;
  wasm_module_imports(module, &imports);
  CHECK(imports.size == 3 && is_name(wasm_importtype_module(imports.data[2]), ""));
  check_functype(wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0])));
  const wasm_globaltype_t* global =
    wasm_externtype_as_globaltype_const(wasm_importtype_type(imports.data[1]));
  CHECK(wasm_globaltype_mutability(global) == WASM_VAR);
  CHECK(wasm_valtype_kind(wasm_globaltype_content(global)) == WASM_F32);
  const wasm_memorytype_t* memory =
    wasm_externtype_as_memorytype_const(wasm_importtype_type(imports.data[2]));
  check_limits(wasm_memorytype_limits(memory), 1, 7);
  wasm_exporttype_vec_t exports;
  wasm_module_exports(module, &exports);
  const char* names[] = {"t", "m2", "f2", "g2"};
  const wasm_externkind_t kinds[] =
    {WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY, WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL};
  CHECK(exports.size == 4);
  for (int i = 0; i < 4; i++) {
    CHECK(is_name(wasm_exporttype_name(exports.data[i]), names[i]));
    check_externtype(wasm_exporttype_type(exports.data[i]), kinds[i]);
  }
  const wasm_tabletype_t* table =
    wasm_externtype_as_tabletype_const(wasm_exporttype_type(exports.data[0]));
  check_limits(wasm_tabletype_limits(table), 3, wasm_limits_max_default);
  CHECK(wasm_valtype_kind(wasm_tabletype_element(table)) == WASM_FUNCREF);

  /* What is made by a type has it; what cannot be made is refused. */
  wasm_memory_t* made = wasm_memory_new(store, memory);
  wasm_externtype_t* made_type = wasm_extern_type(wasm_memory_as_extern(made));
  check_limits(wasm_memorytype_limits(wasm_externtype_as_memorytype(made_type)), 1, 7);
  CHECK(wasm_extern_kind(wasm_memory_as_extern(made)) == WASM_EXTERN_MEMORY);
  wasm_externtype_delete(made_type);
  wasm_memory_delete(made);
  wasm_limits_t bad[] = {{2, 1}, {65537, wasm_limits_max_default}, {0, 65537}};
  for (int i = 0; i < 3; i++) {
    wasm_memorytype_t* type = wasm_memorytype_new(&bad[i]);
    CHECK(!wasm_memory_new(store, type) && failed_with(WASMELT_FAULT_USAGE));
    wasm_memorytype_delete(type);
  }
  wasm_tabletype_t* table_type = wasm_tabletype_new(wasm_valtype_new_funcref(), &bad[0]);
  CHECK(!wasm_table_new(store, table_type, NULL) && failed_with(WASMELT_FAULT_USAGE));
  wasm_tabletype_delete(table_type);
  wasm_limits_t one = {1, 1};
  table_type = wasm_tabletype_new(wasm_valtype_new_externref(), &one);
  CHECK(!wasm_table_new(store, table_type, NULL) && failed_with(WASMELT_FAULT_USAGE));
  wasm_tabletype_delete(table_type);

  wasm_importtype_vec_delete(&imports);
  wasm_exporttype_vec_delete(&exports);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
