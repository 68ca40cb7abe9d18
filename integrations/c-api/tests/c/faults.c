/* Whose fault a failure is; options that do not exist; signals that stay as they are; trust. */

#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <signal.h>
#include <sys/stat.h>

static wasm_module_t* try_module(wasm_store_t* store, const char* text) {
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new(&bytes, strlen(text), text);
  bool is_valid = wasm_module_validate(store, &bytes);
  if (!is_valid) wasmelt_error_delete(wasmelt_last_error());
  wasm_module_t* module = wasm_module_new(store, &bytes);
  CHECK(is_valid == (module != NULL));
  wasm_byte_vec_delete(&bytes);
  return module;
}

static void refused_modules(wasm_store_t* store) {
  CHECK(!try_module(store, "(module (func i32.add))"));
  wasmelt_error_t* error = wasmelt_last_error();
  CHECK(wasmelt_error_fault(error) == WASMELT_FAULT_MODULE && wasmelt_error_is_deterministic(error));
  CHECK(wasmelt_error_trap_code(error) == WASMELT_TRAP_NONE);
  wasmelt_error_delete(error);
  CHECK(!try_module(store, "\1\2\3") && failed_with(WASMELT_FAULT_MODULE));
  CHECK(!try_module(store, "(module (func") && failed_with(WASMELT_FAULT_MODULE));
  CHECK(!try_module(store, "(module (memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))))"));
  CHECK(failed_with(WASMELT_FAULT_MODULE));
}

static void refused_options(void) {
  wasm_config_t* config = wasm_config_new();
  CHECK(!wasmelt_config_set_opt_level(config, 9) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_bounds_checks(config, 9) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_preset(config, 9) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_cpu_level(config, "z80") && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_cache(config, "/proc/none", 9) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_config_set_cache(config, "/proc/none", WASMELT_CACHE_READ_WRITE));
  CHECK(failed_with(WASMELT_FAULT_HOST));
  wasm_config_delete(config);
}

/* Every option is taken, and with all of them a guest still runs; a fault of its own is caught without signals. */
static void no_signals(void) {
  struct sigaction before[3], after[3];
  const int numbers[3] = {SIGSEGV, SIGFPE, SIGILL};
  for (int i = 0; i < 3; i++) sigaction(numbers[i], NULL, &before[i]);
  wasm_config_t* config = wasm_config_new();
  CHECK(wasmelt_config_set_signals(config, false));
  CHECK(wasmelt_config_set_opt_level(config, WASMELT_OPT_NONE));
  CHECK(wasmelt_config_set_bounds_checks(config, WASMELT_BOUNDS_AUTO));
  CHECK(wasmelt_config_set_nan_canonicalization(config, true));
  CHECK(wasmelt_config_set_spectre_mitigation(config, true));
  CHECK(wasmelt_config_set_cpu_level(config, "x86-64-v2"));
  CHECK(wasmelt_config_set_preset(config, WASMELT_PRESET_WASM1));
  CHECK(wasmelt_config_set_compile_threads(config, 1));
  CHECK(wasmelt_config_set_max_stack(config, 256 << 10));
  CHECK(wasmelt_config_set_pool(config, 2, 65536));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_module_t* module = module_of(store,
    "(module (memory 1) (func (export \"load\") (drop (i32.load (i32.const -1))))"
    "  (func (export \"divide\") (drop (i32.div_u (i32.const 1) (i32.const 0))))"
    "  (func $deep (export \"deep\") (call $deep)))");
  wasm_instance_t* instance = instance_of(store, module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);
  const wasmelt_trap_code_t codes[] = {WASMELT_TRAP_MEMORY_OUT_OF_BOUNDS,
    WASMELT_TRAP_INTEGER_DIVISION_BY_ZERO, WASMELT_TRAP_STACK_OVERFLOW};
  const wasmelt_fault_t faults[] = {WASMELT_FAULT_GUEST, WASMELT_FAULT_GUEST, WASMELT_FAULT_LIMIT};
  for (int i = 0; i < 3; i++) {
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports.data[i]), &none, &none);
    CHECK(trap && wasmelt_trap_code(trap) == codes[i]);
    CHECK(trapped_with(trap, faults[i]));
    sigaction(numbers[i], NULL, &after[i]);
    CHECK(before[i].sa_handler == after[i].sa_handler);
  }
  /* What the engine was not made for is a failure of the call. */
  CHECK(!wasmelt_store_set_fuel(store, 1) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasmelt_interrupt_handle_new(store) && failed_with(WASMELT_FAULT_USAGE));
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_module_delete(module);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
}

static void check_runs(wasm_store_t* store, wasm_module_t* module) {
  CHECK(module);
  wasm_instance_delete(instance_of(store, module, NULL, 0));
  wasm_module_delete(module);
}

static void trust(const char* folder) {
  wasm_config_t* config = wasm_config_new();
  CHECK(wasmelt_config_trust_own_artifacts(config, true));
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  wasm_engine_t* strict = wasm_engine_new();
  wasm_store_t* strict_store = wasm_store_new(strict);
  wasm_module_t* module = module_of(store, "(module (func (export \"f\")))");
  wasm_module_t* other = module_of(strict_store, "(module (func (export \"other\")))");
  wasm_byte_vec_t own, foreign;
  wasm_module_serialize(module, &own);
  wasm_module_serialize(other, &foreign);
  wasm_module_delete(module);
  wasm_module_delete(other);
  check_runs(store, wasm_module_deserialize(store, &own));
  CHECK(!wasm_module_deserialize(store, &foreign) && failed_with(WASMELT_FAULT_ARTIFACT));
  CHECK(!wasm_module_deserialize(strict_store, &own) && failed_with(WASMELT_FAULT_USAGE));
  CHECK(!wasm_module_new(store, &own) && failed_with(WASMELT_FAULT_MODULE));

  /* A damaged artifact is refused, whatever is trusted. */
  config = wasm_config_new();
  CHECK(wasmelt_config_trust_any_bytes_unsafe(config, true));
  wasm_engine_t* careless = wasm_engine_new_with_config(config);
  wasm_store_t* careless_store = wasm_store_new(careless);
  check_runs(careless_store, wasm_module_deserialize(careless_store, &foreign));
  check_runs(store, wasmelt_module_load_bytes_unchecked_unsafe(store, &foreign));
  wasm_byte_vec_t cut = {own.size - 1, own.data};
  CHECK(!wasm_module_deserialize(careless_store, &cut) && failed_with(WASMELT_FAULT_ARTIFACT));
  CHECK(!wasmelt_module_load_bytes_unchecked_unsafe(store, &cut));
  CHECK(failed_with(WASMELT_FAULT_ARTIFACT));
  CHECK(!wasmelt_module_load_bytes(store, &own, WASMELT_TRUST_OWN_CACHE, NULL));
  wasmelt_error_delete(wasmelt_last_error());
  CHECK(!wasmelt_module_load_bytes(store, &own, 9, NULL) && failed_with(WASMELT_FAULT_USAGE));

  /* A file that a person named; not one that everybody may write. */
  char path[4096];
  snprintf(path, sizeof path, "%s/artifact.so", folder);
  FILE* file = fopen(path, "wb");
  CHECK(file && fwrite(own.data, 1, own.size, file) == own.size && !fclose(file));
  CHECK(!chmod(path, 0644));
  wasm_module_t* named = wasmelt_module_load_file(store, path, WASMELT_TRUST_NAMED, NULL);
  CHECK(named);
  wasm_byte_vec_t again;
  wasm_module_serialize(named, &again);
  CHECK(again.size == own.size && !memcmp(again.data, own.data, own.size));
  wasm_byte_vec_delete(&again);
  CHECK(!chmod(path, 0666));
  CHECK(!wasmelt_module_load_file(store, path, WASMELT_TRUST_NAMED, NULL));
  CHECK(failed_with(WASMELT_FAULT_ARTIFACT));
  file = fopen(path, "wb");
  CHECK(file && fwrite(foreign.data, 1, foreign.size, file) == foreign.size && !fclose(file));
  wasm_module_serialize(named, &again);
  CHECK(!again.size && failed_with(WASMELT_FAULT_ARTIFACT));
  check_runs(store, named);
  remove(path);
  CHECK(!wasmelt_module_load_file(store, path, WASMELT_TRUST_NAMED, NULL));
  CHECK(failed_with(WASMELT_FAULT_HOST));

  wasm_byte_vec_delete(&own);
  wasm_byte_vec_delete(&foreign);
  wasm_store_delete(store);
  wasm_store_delete(strict_store);
  wasm_store_delete(careless_store);
  wasm_engine_delete(engine);
  wasm_engine_delete(strict);
  wasm_engine_delete(careless);
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  CHECK(wasmelt_api_version() == WASMELT_API_VERSION && wasmelt_artifact_abi_version() > 0);
  CHECK(strchr(wasmelt_version(), '.'));
  no_signals();
  wasm_engine_t* engine = wasm_engine_new();
  wasm_store_t* store = wasm_store_new(engine);
  refused_modules(store);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  refused_options();
  trust(argv[1]);
  return all_deleted();
}
