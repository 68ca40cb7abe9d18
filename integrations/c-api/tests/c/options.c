/* Each option does what it says: it changes the artifact, or what is accepted, or where modules come from. */

#include "check.h"

static const char TEXT[] =
  "(module (memory 1) (func (export \"f\") (param i32 f32) (result f32)"
  "  (loop (br_if 0 (i32.load offset=8 (local.get 0))))"
  "  (f32.sqrt (f32.add (local.get 1) (f32.load (local.get 0))))))";

static wasm_byte_vec_t text_bytes(const char* text) {
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new(&bytes, strlen(text), text);
  return bytes;
}

/* Whether an artifact differs from what a configuration of defaults gives. */
static bool differs(wasm_config_t* config) {
  uint8_t digests[2][WASMELT_DIGEST_LEN];
  wasm_config_t* configs[2] = {wasm_config_new(), config};
  wasm_byte_vec_t wasm = text_bytes(TEXT), artifact;
  for (int i = 0; i < 2; i++) {
    wasm_engine_t* engine = wasm_engine_new_with_config(configs[i]);
    CHECK(wasmelt_compile(engine, &wasm, &artifact, digests[i]));
    wasm_byte_vec_delete(&artifact);
    wasm_engine_delete(engine);
  }
  wasm_byte_vec_delete(&wasm);
  return memcmp(digests[0], digests[1], WASMELT_DIGEST_LEN) != 0;
}

#define CHANGES(expected, ...) \
  do { \
    wasm_config_t* config = wasm_config_new(); \
    CHECK(__VA_ARGS__); \
    CHECK(differs(config) == (expected)); \
  } while (0)

static bool accepts(wasmelt_preset_t preset, const char* text) {
  wasm_config_t* config = wasm_config_new();
  CHECK(wasmelt_config_set_preset(config, preset));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_byte_vec_t bytes = text_bytes(text);
  bool is_valid = wasm_module_validate(store, &bytes);
  wasmelt_error_delete(wasmelt_last_error());
  wasm_byte_vec_delete(&bytes);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return is_valid;
}

/* Whether an engine with this cache gets a module. */
static bool is_found(const char* folder, wasmelt_cache_mode_t mode, const char* text) {
  wasm_config_t* config = wasm_config_new();
  CHECK(wasmelt_config_set_cache(config, folder, mode));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_byte_vec_t bytes = text_bytes(text);
  wasm_module_t* module = wasm_module_new(store, &bytes);
  bool is_found = module != NULL;
  if (!is_found) CHECK(failed_with(WASMELT_FAULT_HOST));
  wasm_byte_vec_delete(&bytes);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return is_found;
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  CHANGES(false, wasmelt_config_set_opt_level(config, WASMELT_OPT_SPEED));
  CHANGES(true, wasmelt_config_set_opt_level(config, WASMELT_OPT_NONE));
  CHANGES(false, wasmelt_config_set_bounds_checks(config, WASMELT_BOUNDS_GUARD));
  CHANGES(true, wasmelt_config_set_bounds_checks(config, WASMELT_BOUNDS_EXPLICIT));
  CHANGES(true, wasmelt_config_set_signals(config, false));
  CHANGES(true, wasmelt_config_set_interruption(config, true));
  CHANGES(true, wasmelt_config_set_fuel(config, true));
  CHANGES(true, wasmelt_config_set_nan_canonicalization(config, true));
  CHANGES(true, wasmelt_config_set_spectre_mitigation(config, true));
  CHANGES(true, wasmelt_config_set_cpu_level(config, "x86-64-v3"));
  CHANGES(false, wasmelt_config_set_compile_threads(config, 1));

  const char* mutable_global = "(module (global (export \"g\") (mut i32) (i32.const 0)))";
  CHECK(accepts(WASMELT_PRESET_WASM1, mutable_global));
  CHECK(!accepts(WASMELT_PRESET_STRICT_MVP, mutable_global));
  const char* with_start = "(module (func $f) (start $f))";
  CHECK(accepts(WASMELT_PRESET_WASM1, with_start) && !accepts(WASMELT_PRESET_POLKADOT, with_start));

  char folder[4096];
  snprintf(folder, sizeof folder, "%s/cache", argv[1]);
  CHECK(is_found(folder, WASMELT_CACHE_READ_WRITE, TEXT));
  CHECK(is_found(folder, WASMELT_CACHE_MUST_HIT, TEXT));
  CHECK(!is_found(folder, WASMELT_CACHE_MUST_HIT, "(module (func))"));
  CHECK(is_found(folder, WASMELT_CACHE_READ_ONLY, "(module (func))"));
  CHECK(!is_found(folder, WASMELT_CACHE_MUST_HIT, "(module (func))"));
  return all_deleted();
}
