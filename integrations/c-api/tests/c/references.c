/* References: copies, casts, host information, and what only the host passes around. */

#include "check.h"

static int finalized;

static void finalize(void* count) {
  *(int*)count += 1;
}

static wasm_trap_t* swap(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_val_copy(&results->data[0], &args->data[1]);
  wasm_val_copy(&results->data[1], &args->data[0]);
  return NULL;
}

/* What the host attaches to an object, every reference to it has. */
#define HOST_INFO(name, object, same_object) \
  do { \
    wasm_##name##_t* copy = wasm_##name##_copy(object); \
    int first = 0, second = 0; \
    CHECK(!wasm_##name##_get_host_info(object)); \
    wasm_##name##_set_host_info_with_finalizer(object, &first, finalize); \
    CHECK(wasm_##name##_get_host_info(copy) == &first); \
    CHECK(wasm_ref_get_host_info(wasm_##name##_as_ref(same_object)) == &first); \
    wasm_##name##_set_host_info(copy, &second); \
    CHECK(first == 1 && wasm_##name##_get_host_info(object) == &second); \
    wasm_##name##_set_host_info_with_finalizer(object, &finalized, finalize); \
    CHECK(wasm_##name##_same(object, copy)); \
    CHECK(wasm_ref_as_##name(wasm_##name##_as_ref(object)) == object); \
    CHECK(wasm_ref_as_##name##_const(wasm_##name##_as_ref_const(object)) == object); \
    wasm_##name##_delete(copy); \
  } while (0)

int main(void) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (func (export \"f\")) (memory (export \"m\") 1) (table (export \"t\") 1 funcref)"
    "  (elem (i32.const 0) 0) (global (export \"g\") i32 (i32.const 1)))");
  wasm_instance_t* instance = instance_of(store, module, NULL, 0);
  wasm_instance_t* other = instance_of(store, module, NULL, 0);
  wasm_extern_vec_t exports, again, others;
  wasm_instance_exports(instance, &exports);
  wasm_instance_exports(instance, &again);
  wasm_instance_exports(other, &others);
  for (size_t i = 0; i < exports.size; i++) {
    CHECK(wasm_extern_same(exports.data[i], again.data[i]));
    CHECK(!wasm_extern_same(exports.data[i], others.data[i]));
  }
  CHECK(!wasm_instance_same(instance, other));

  wasm_foreign_t* foreign = wasm_foreign_new(store);
  wasm_message_t message;
  wasm_name_new_from_string(&message, "no zero at the end");
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_byte_vec_delete(&message);
  wasm_trap_message(trap, &message);
  CHECK(!strcmp(message.data, "no zero at the end") && message.size == 19);
  wasm_byte_vec_delete(&message);
  CHECK(!wasm_trap_origin(trap) && wasmelt_trap_fault(trap) == WASMELT_FAULT_HOST);

  wasm_func_t* func = wasm_extern_as_func(exports.data[0]);
  wasm_memory_t* memory = wasm_extern_as_memory(exports.data[1]);
  wasm_table_t* table = wasm_extern_as_table(exports.data[2]);
  wasm_global_t* global = wasm_extern_as_global(exports.data[3]);
  HOST_INFO(func, func, wasm_extern_as_func(again.data[0]));
  HOST_INFO(memory, memory, wasm_extern_as_memory(again.data[1]));
  HOST_INFO(table, table, wasm_extern_as_table(again.data[2]));
  HOST_INFO(global, global, wasm_extern_as_global(again.data[3]));
  HOST_INFO(instance, instance, instance);
  HOST_INFO(module, module, module);
  HOST_INFO(foreign, foreign, foreign);
  HOST_INFO(trap, trap, trap);
  CHECK(wasm_extern_get_host_info(exports.data[0]) == &finalized);
  CHECK(!wasm_extern_get_host_info(others.data[0]));
  wasm_ref_t* element = wasm_table_get(table, 0);
  CHECK(wasm_ref_get_host_info(element) == &finalized);
  wasm_ref_delete(element);

  /* What stands by itself is finalized with its last reference, and the rest with the store. */
  wasm_module_t* second = wasm_module_copy(module);
  wasm_module_delete(module);
  CHECK(finalized == 0);
  wasm_module_delete(second);
  /* The instances keep the code, not the object. */
  CHECK(finalized == 1);
  wasm_trap_delete(trap);
  CHECK(finalized == 2);

  /* Functions of the host take and give references. */
  wasm_valtype_t* params[] = {wasm_valtype_new_externref(), wasm_valtype_new_funcref()};
  wasm_valtype_t* results[] = {wasm_valtype_new_funcref(), wasm_valtype_new_externref()};
  wasm_valtype_vec_t param_types, result_types;
  wasm_valtype_vec_new(&param_types, 2, params);
  wasm_valtype_vec_new(&result_types, 2, results);
  wasm_functype_t* type = wasm_functype_new(&param_types, &result_types);
  CHECK(param_types.size == 0 && result_types.size == 0);
  wasm_func_t* swapper = wasm_func_new(store, type, swap);
  CHECK(wasm_func_param_arity(swapper) == 2 && wasm_func_result_arity(swapper) == 2);
  wasm_val_t in[] = {WASM_REF_VAL(wasm_foreign_as_ref(foreign)), {.kind = WASM_FUNCREF, .of = {.ref = wasm_func_as_ref(func)}}};
  wasm_val_t out[] = {WASM_INIT_VAL, WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_ARRAY_VEC(in), outs = WASM_ARRAY_VEC(out);
  for (int i = 0; i < 3; i++) {
    CHECK(!wasm_func_call(swapper, &args, &outs));
    CHECK(out[0].kind == WASM_FUNCREF && wasm_ref_same(out[0].of.ref, in[1].of.ref));
    CHECK(out[1].kind == WASM_EXTERNREF && wasm_ref_same(out[1].of.ref, in[0].of.ref));
    CHECK(wasm_ref_get_host_info(out[1].of.ref) == &finalized);
    wasm_val_delete(&out[0]);
    wasm_val_delete(&out[1]);
  }
  in[0].of.ref = NULL;
  in[1].of.ref = NULL;
  CHECK(!wasm_func_call(swapper, &args, &outs) && !out[0].of.ref && !out[1].of.ref);

  /* So do globals of the host. */
  wasm_globaltype_t* global_type = wasm_globaltype_new(wasm_valtype_new_externref(), WASM_VAR);
  wasm_val_t init = WASM_REF_VAL(wasm_instance_as_ref(instance)), got;
  wasm_global_t* holder = wasm_global_new(store, global_type, &init);
  wasm_global_get(holder, &got);
  CHECK(wasm_instance_same(wasm_ref_as_instance(got.of.ref), instance));
  wasm_val_t copy;
  wasm_val_copy(&copy, &got);
  wasm_val_delete(&got);
  CHECK(wasm_ref_as_instance(copy.of.ref));
  wasm_val_delete(&copy);
  wasm_val_t null = WASM_INIT_VAL;
  wasm_global_set(holder, &null);
  wasm_global_get(holder, &got);
  CHECK(got.kind == WASM_EXTERNREF && !got.of.ref && none_failed());
  wasm_global_delete(holder);
  wasm_globaltype_delete(global_type);

  wasm_functype_delete(type);
  wasm_func_delete(swapper);
  wasm_foreign_delete(foreign);
  wasm_extern_vec_delete(&exports);
  wasm_extern_vec_delete(&again);
  wasm_extern_vec_delete(&others);
  wasm_instance_delete(instance);
  wasm_instance_delete(other);
  /* The store has kept the foreign object, which was passed through it. */
  CHECK(finalized == 2);
  wasm_store_delete(store);
  CHECK(finalized == 8);
  wasm_engine_delete(engine);
  return all_deleted();
}
