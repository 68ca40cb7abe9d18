/* Compiles a module to an artifact, and loads it for a reason: its digest. */

#include "example.h"

static const char TEXT[] =
  "(module (func (export \"answer\") (result i32) i32.const 42))";

/* Compiles in one engine, as a build machine would. */
static void compile(wasm_byte_vec_t* artifact, uint8_t digest[WASMELT_DIGEST_LEN]) {
  wasm_engine_t* engine = wasm_engine_new();
  wasm_byte_vec_t wasm;
  wasm_byte_vec_new(&wasm, sizeof TEXT - 1, TEXT);
  expect(wasmelt_compile(engine, &wasm, artifact, digest), "the module is compiled");
  wasm_byte_vec_delete(&wasm);
  wasm_engine_delete(engine);
}

static void run(wasm_store_t* store, wasm_module_t* module) {
  expect(module != NULL, "the artifact is loaded");
  wasm_instance_t* instance = instance_of(store, module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  wasm_val_t results[] = {WASM_INIT_VAL};
  wasm_val_vec_t args = WASM_EMPTY_VEC, outs = WASM_ARRAY_VEC(results);
  expect(wasm_func_call(wasm_extern_as_func(exports.data[0]), &args, &outs) == NULL, "it returns");
  printf("the answer is %" PRId32 "\n", results[0].of.i32);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
}

int main(void) {
  wasm_byte_vec_t artifact;
  uint8_t digest[WASMELT_DIGEST_LEN], same[WASMELT_DIGEST_LEN];
  compile(&artifact, digest);
  expect(wasmelt_artifact_digest(&artifact, same), "the artifact is intact");
  expect(memcmp(digest, same, sizeof digest) == 0, "it has one digest");

  /* The function of wasmelt.h takes the reason with the artifact. */
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  run(store, wasmelt_module_load_bytes(store, &artifact, WASMELT_TRUST_DIGEST, digest));
  uint8_t other[WASMELT_DIGEST_LEN] = {0};
  expect(!wasmelt_module_load_bytes(store, &artifact, WASMELT_TRUST_DIGEST, other),
    "another digest is no reason");
  wasmelt_error_t* error = wasmelt_last_error();
  expect(wasmelt_error_fault(error) == WASMELT_FAULT_ARTIFACT, "the artifact is refused");
  wasmelt_error_delete(error);

  /* The standard's function has none, and refuses until the configuration says what to trust. */
  expect(!wasm_module_deserialize(store, &artifact), "nothing is trusted unasked");
  wasmelt_error_delete(wasmelt_last_error());
  wasm_store_delete(store);
  wasm_engine_delete(engine);

  wasm_config_t* config = wasm_config_new();
  expect(wasmelt_config_trust_digest(config, digest), "a digest is a reason");
  engine = wasm_engine_new_with_config(config);
  store = wasm_store_new(engine);
  wasm_module_t* module = wasm_module_deserialize(store, &artifact);
  expect(module != NULL, "the artifact is trusted");
  wasm_byte_vec_t again;
  wasm_module_serialize(module, &again);
  expect(again.size == artifact.size && memcmp(again.data, artifact.data, again.size) == 0,
    "what was loaded is what is written");
  wasm_byte_vec_delete(&again);
  run(store, module);

  /* A changed byte is another artifact. */
  artifact.data[artifact.size / 2] ^= 1;
  expect(!wasm_module_deserialize(store, &artifact), "it is refused");
  print_last_error();
  wasm_byte_vec_delete(&artifact);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
