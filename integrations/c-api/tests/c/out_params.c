/* Functions write their out-parameters also where they fail, and nothing beside them. */

#include "check.h"

enum { ROOM = 24 };
static const unsigned char MARK = 0xa5;

/* A place with room on both sides, all of which is marked before the call. */
#define AROUND(type, call) \
  do { \
    struct { unsigned char before[ROOM]; type place; unsigned char after[ROOM]; } here; \
    memset(&here, MARK, sizeof here); \
    type* out = &here.place; \
    call; \
    for (size_t i = 0; i < ROOM; i++) CHECK(here.before[i] == MARK); \
    const unsigned char* end = (const unsigned char*)&here + sizeof here; \
    for (const unsigned char* p = (const unsigned char*)(&here.place + 1); p < end; p++) \
      CHECK(*p == MARK); \
  } while (0)

#define AROUND_VEC(name, call) \
  AROUND(wasm_##name##_vec_t, call; wasm_##name##_vec_delete(out))

/* The functions of one kind of vector. */
#define VECTORS(name, element) \
  do { \
    AROUND_VEC(name, wasm_##name##_vec_new_empty(out); CHECK(out->size == 0)); \
    AROUND_VEC(name, wasm_##name##_vec_new_uninitialized(out, 3); CHECK(out->size == 3)); \
    wasm_##name##_t element one[1] = {0}; \
    AROUND_VEC(name, wasm_##name##_vec_new(out, 1, one); CHECK(out->size == 1)); \
    wasm_##name##_vec_t original = {1, one}; \
    AROUND_VEC(name, wasm_##name##_vec_copy(out, &original); CHECK(out->size == 1)); \
    AROUND_VEC(name, wasm_##name##_vec_copy(out, NULL); CHECK(is_refused(out->size, out->data))); \
    AROUND_VEC(name, wasm_##name##_vec_new(out, 1, NULL); CHECK(is_refused(out->size, out->data))); \
    AROUND_VEC(name, wasm_##name##_vec_new_uninitialized(out, SIZE_MAX / 2); \
      CHECK(!out->size && !out->data && failed_with(WASMELT_FAULT_HOST))); \
  } while (0)

/* The last call was one that is not allowed, and left an empty vector. */
static bool is_refused(size_t size, const void* data) {
  return size == 0 && data == NULL && failed_with(WASMELT_FAULT_USAGE);
}

static bool is_zero(const wasm_val_t* val, wasm_valkind_t kind) {
  return val->kind == kind && val->of.i64 == 0;
}

static wasm_trap_t* give(const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0] = (wasm_val_t)WASM_I32_VAL(1);
  return NULL;
}

/* Ends with a trap after it gave a result. */
static wasm_trap_t* give_and_refuse(void* store, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  (void)args;
  results->data[0] = (wasm_val_t)WASM_I64_VAL(5);
  wasm_message_t message = WASM_EMPTY_VEC;
  return wasm_trap_new(store, &message);
}

/* Calls that fail leave something that can be deleted. */
static void fail(wasm_engine_t* engine, wasm_store_t* store) {
  wasm_valtype_t* types[] = {wasm_valtype_new_i64(), wasm_valtype_new_f32()};
  wasm_valtype_vec_t params = WASM_EMPTY_VEC, results;
  wasm_valtype_vec_new(&results, 2, types);
  wasm_functype_t* type = wasm_functype_new(&params, &results);
  wasm_func_t* traps = wasm_func_new_with_env(store, type, give_and_refuse, store, NULL);
  wasm_functype_delete(type);
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  AROUND(wasm_val_t, wasm_val_copy(out, NULL);
    CHECK(is_zero(out, WASM_I32) && failed_with(WASMELT_FAULT_USAGE)));
  AROUND(wasm_val_t, wasm_global_get(NULL, out);
    CHECK(is_zero(out, WASM_I32) && failed_with(WASMELT_FAULT_USAGE)));
  typedef wasm_val_t two_t[2];
  AROUND(two_t, wasm_val_vec_t outs = WASM_ARRAY_VEC(*out);
    CHECK(trapped_with(wasm_func_call(traps, &none, &outs), WASMELT_FAULT_HOST));
    CHECK(is_zero(&(*out)[0], WASM_I64) && is_zero(&(*out)[1], WASM_F32)));
  AROUND(two_t, wasm_val_vec_t outs = WASM_ARRAY_VEC(*out);
    CHECK(trapped_with(wasm_func_call(NULL, &none, &outs), WASMELT_FAULT_USAGE));
    CHECK(is_zero(&(*out)[0], WASM_I32) && is_zero(&(*out)[1], WASM_I32)));
  AROUND(wasm_val_t, wasm_val_vec_t outs; outs.size = 1; outs.data = out;
    CHECK(trapped_with(wasm_func_call(traps, &none, &outs), WASMELT_FAULT_USAGE));
    CHECK(is_zero(out, WASM_I32)));
  wasm_func_delete(traps);
  AROUND(wasm_trap_t*, CHECK(!wasm_instance_new(NULL, NULL, NULL, out));
    CHECK(trapped_with(*out, WASMELT_FAULT_USAGE) && failed_with(WASMELT_FAULT_USAGE)));
  AROUND_VEC(byte, wasm_trap_message(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND_VEC(frame, wasm_trap_trace(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND_VEC(byte, wasm_module_serialize(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND_VEC(importtype, wasm_module_imports(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND_VEC(exporttype, wasm_module_exports(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND_VEC(extern, wasm_instance_exports(NULL, out); CHECK(is_refused(out->size, out->data)));
  AROUND(uint64_t, CHECK(!wasmelt_store_get_fuel(NULL, out) && *out == 0));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  AROUND_VEC(byte, wasmelt_error_message(NULL, out); CHECK(out->size == 1 && !out->data[0]));

  typedef uint8_t digest_t[WASMELT_DIGEST_LEN];
  static const digest_t ZEROS;
  AROUND(digest_t, CHECK(!wasmelt_artifact_digest(NULL, *out) && !memcmp(out, ZEROS, sizeof ZEROS)));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  AROUND(digest_t, CHECK(!wasmelt_compile(engine, NULL, NULL, *out) && !memcmp(out, ZEROS, sizeof ZEROS)));
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  AROUND_VEC(byte, CHECK(!wasmelt_compile(engine, NULL, out, NULL)); CHECK(is_refused(out->size, out->data)));
}

int main(void) {
  VECTORS(byte, );
  VECTORS(valtype, *);
  VECTORS(functype, *);
  VECTORS(globaltype, *);
  VECTORS(tabletype, *);
  VECTORS(memorytype, *);
  VECTORS(externtype, *);
  VECTORS(importtype, *);
  VECTORS(exporttype, *);
  VECTORS(val, );
  VECTORS(frame, *);
  VECTORS(extern, *);

  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_fuel(config, true);
  wasmelt_config_set_signals(config, false);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (import \"h\" \"f\" (func (result i32))) (global (export \"g\") i32 (i32.const 5))"
    "  (func (export \"trap\") unreachable) (func (export \"f\") (result i32) (call 0)))");
  AROUND_VEC(importtype, wasm_module_imports(module, out); CHECK(out->size == 1));
  AROUND_VEC(exporttype, wasm_module_exports(module, out); CHECK(out->size == 3));
  AROUND_VEC(byte, wasm_module_serialize(module, out); CHECK(out->size > 1000));

  wasm_functype_t* type = wasm_functype_new_0_1(wasm_valtype_new_i32());
  wasm_func_t* host = wasm_func_new(store, type, give);
  wasm_functype_delete(type);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items), none = WASM_EMPTY_VEC;
  AROUND(wasm_trap_t*, CHECK(!wasm_instance_new(store, module, &none, out)); wasm_trap_delete(*out));
  wasm_instance_t* instance = NULL;
  AROUND(wasm_trap_t*, instance = wasm_instance_new(store, module, &imports, out);
    CHECK(*out == NULL));
  CHECK(instance);
  CHECK(failed_with(WASMELT_FAULT_USAGE));
  AROUND_VEC(extern, wasm_instance_exports(instance, out); CHECK(out->size == 3));

  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  const wasm_global_t* global = wasm_extern_as_global(exports.data[0]);
  AROUND(wasm_val_t, wasm_global_get(global, out); CHECK(out->of.i32 == 5); wasm_val_delete(out));
  wasm_val_t val = WASM_I64_VAL(-1);
  AROUND(wasm_val_t, wasm_val_copy(out, &val); CHECK(out->of.i64 == -1); wasm_val_delete(out));

  AROUND(uint64_t, CHECK(wasmelt_store_set_fuel(store, 77) && wasmelt_store_get_fuel(store, out));
    CHECK(*out == 77));
  AROUND(wasm_val_t,
    wasm_val_vec_t no_args = WASM_EMPTY_VEC;
    wasm_val_vec_t results;
    results.size = 1;
    results.data = out;
    CHECK(!wasm_func_call(wasm_extern_as_func(exports.data[2]), &no_args, &results));
    CHECK(out->kind == WASM_I32 && out->of.i32 == 1));
  wasm_val_vec_t nothing = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[1]), &nothing, &nothing);
  CHECK(trap);
  AROUND_VEC(byte, wasm_trap_message(trap, out); CHECK(out->data[out->size - 1] == 0));
  AROUND_VEC(frame, wasm_trap_trace(trap, out); CHECK(out->size == 1));
  wasm_trap_delete(trap);
  fail(engine, store);

  wasm_byte_vec_t wasm, artifact;
  wasm_byte_vec_new(&wasm, 8, "(module)");
  uint8_t digest[WASMELT_DIGEST_LEN];
  CHECK(wasmelt_compile(engine, &wasm, &artifact, digest));
  typedef uint8_t digest_t[WASMELT_DIGEST_LEN];
  AROUND(digest_t, CHECK(wasmelt_artifact_digest(&artifact, *out)); CHECK(!memcmp(out, digest, 32)));
  AROUND(digest_t, wasm_byte_vec_t again; CHECK(wasmelt_compile(engine, &wasm, &again, *out));
    wasm_byte_vec_delete(&again));
  AROUND_VEC(byte, CHECK(wasmelt_compile(engine, &wasm, out, NULL)));
  AROUND_VEC(byte, CHECK(!wasmelt_compile(engine, &artifact, out, NULL)); CHECK(!out->size));
  wasmelt_error_t* error = wasmelt_last_error();
  AROUND_VEC(byte, wasmelt_error_message(error, out); CHECK(out->size > 1));
  wasmelt_error_delete(error);
  AROUND(wasmelt_limits_t, wasmelt_limits_init(out); CHECK(out->tables == 10000));

  wasm_byte_vec_delete(&artifact);
  wasm_byte_vec_delete(&wasm);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
