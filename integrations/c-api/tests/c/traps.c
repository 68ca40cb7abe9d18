/* Traps of the host: their messages, and what is kept and returned again; and traps that pass through two stores. */

#include "check.h"

static int finalized;

static void finalize(void* count) {
  *(int*)count += 1;
}

/* A trap whose message is made of these bytes has that message. */
static void check_message(wasm_store_t* store, size_t size, const char* bytes, const char* expected) {
  wasm_message_t message;
  wasm_byte_vec_new(&message, size, bytes);
  wasm_trap_t* trap = wasm_trap_new(store, &message);
  wasm_byte_vec_delete(&message);
  CHECK(trap && none_failed());
  wasm_trap_message(trap, &message);
  CHECK(message.size == strlen(expected) + 1 && !strcmp(message.data, expected));
  wasm_byte_vec_delete(&message);
  wasm_trap_delete(trap);
}

static void messages(wasm_store_t* store) {
  const char buffer[64] = "short";
  check_message(store, 5, buffer, "short");
  check_message(store, 6, buffer, "short");
  check_message(store, sizeof buffer, buffer, "short");
  check_message(store, 0, NULL, "");
  check_message(store, 1, "", "");
  /* Latin-1, and a character that is cut off. */
  check_message(store, 5, "caf\xe9", "caf\xef\xbf\xbd");
  check_message(store, 4, "ab\xe2\x82", "ab\xef\xbf\xbd");
}

static size_t count_frames(const wasm_trap_t* trap) {
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  size_t count = frames.size;
  wasm_frame_vec_delete(&frames);
  return count;
}

static wasm_trap_t* return_kept(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_trap_t** kept = env;
  (void)args;
  (void)results;
  return wasm_trap_copy(*kept);
}

static wasm_trap_t* call_other(void* env, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  wasm_func_t** func = env;
  (void)args;
  (void)results;
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  return wasm_func_call(*func, &none, &none);
}

static wasm_func_t* host_of(wasm_store_t* store, wasm_func_callback_with_env_t callback, void* env) {
  wasm_functype_t* type = wasm_functype_new_0_0();
  wasm_func_t* func = wasm_func_new_with_env(store, type, callback, env, NULL);
  wasm_functype_delete(type);
  return func;
}

static wasm_trap_t* run(const wasm_extern_vec_t* exports) {
  wasm_val_vec_t none = WASM_EMPTY_VEC;
  wasm_trap_t* trap = wasm_func_call(wasm_extern_as_func(exports->data[0]), &none, &none);
  CHECK(trap);
  return trap;
}

/* What the host returns, and keeps, stays as it is; what comes out has the frames of one call more. */
static void kept(wasm_store_t* store, const wasm_module_t* module) {
  wasm_message_t message = WASM_EMPTY_VEC;
  wasm_trap_t* made = wasm_trap_new(store, &message);
  wasm_trap_set_host_info_with_finalizer(made, &finalized, finalize);
  wasm_trap_t* returned = made;
  wasm_func_t* host = host_of(store, return_kept, &returned);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_instance_t* instance = instance_of(store, module, items, 1);
  wasm_extern_vec_t exports;
  wasm_instance_exports(instance, &exports);

  wasm_trap_t* first = run(&exports);
  CHECK(count_frames(first) == 2);
  for (int i = 0; i < 3; i++) {
    wasm_trap_t* again = run(&exports);
    CHECK(count_frames(again) == 2 && count_frames(first) == 2);
    CHECK(count_frames(made) == 0 && !wasm_trap_origin(made));
    CHECK(!wasm_trap_same(made, again) && !wasm_trap_same(first, again));
    CHECK(wasm_trap_get_host_info(again) == &finalized);
    wasm_trap_delete(again);
  }
  returned = first;
  for (int i = 0; i < 3; i++) {
    wasm_trap_t* outer = run(&exports);
    CHECK(count_frames(outer) == 4 && count_frames(first) == 2);
    wasm_trap_delete(outer);
  }
  wasm_trap_delete(made);
  CHECK(finalized == 0 && wasm_trap_get_host_info(first) == &finalized);
  wasm_trap_delete(first);
  CHECK(finalized == 1);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(instance);
  wasm_func_delete(host);
}

/* A frame is of this instance, and what it has can be asked of the instance's store. */
static bool is_of(const wasm_frame_t* frame, const wasm_instance_t* instance) {
  wasm_extern_vec_t expected, found;
  wasm_instance_exports(instance, &expected);
  wasm_instance_exports(wasm_frame_instance(frame), &found);
  bool is_it = found.size == 1 && wasm_extern_same(found.data[0], expected.data[0]);
  wasm_externtype_t* type = is_it ? wasm_extern_type(found.data[0]) : NULL;
  wasm_externtype_delete(type);
  wasm_extern_vec_delete(&expected);
  wasm_extern_vec_delete(&found);
  return type && none_failed();
}

/* A trap of one store that a host function of another one returns: each frame is of its own store. */
static void two_stores(wasm_engine_t* engine, wasm_store_t* store, const wasm_module_t* module) {
  wasm_store_t* inner_store = wasm_store_new(engine);
  wasm_module_t* inner_module = module_of(inner_store, "(module (func (export \"f\") unreachable))");
  wasm_instance_t* inner = instance_of(inner_store, inner_module, NULL, 0);
  wasm_extern_vec_t inner_exports, exports;
  wasm_instance_exports(inner, &inner_exports);
  wasm_func_t* func = wasm_extern_as_func(inner_exports.data[0]);
  wasm_func_t* host = host_of(store, call_other, &func);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_instance_t* outer = instance_of(store, module, items, 1);
  wasm_instance_exports(outer, &exports);

  wasm_trap_t* trap = run(&exports);
  CHECK(wasmelt_trap_code(trap) == WASMELT_TRAP_UNREACHABLE);
  wasm_frame_vec_t frames;
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 3 && is_of(frames.data[0], inner));
  CHECK(is_of(frames.data[1], outer) && is_of(frames.data[2], outer));
  wasm_frame_vec_delete(&frames);

  /* The inner store goes, and the other one stays. */
  wasm_extern_vec_delete(&inner_exports);
  wasm_instance_delete(inner);
  wasm_module_delete(inner_module);
  wasm_store_delete(inner_store);
  CHECK(wasmelt_live_count(WASMELT_LIVE_OPEN_STORE) == 1);
  wasm_trap_trace(trap, &frames);
  CHECK(frames.size == 3 && !wasm_frame_instance(frames.data[0]) && is_of(frames.data[1], outer));
  wasm_frame_vec_delete(&frames);
  wasm_trap_delete(trap);

  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(outer);
  wasm_func_delete(host);
}

/* Where a start function ends with a trap that the host returns, the failure is the trap's. */
static void failed_start(wasm_store_t* store) {
  wasm_module_t* module = module_of(store,
    "(module (import \"h\" \"f\" (func)) (start 0) (func (export \"f\") unreachable))");
  wasm_module_t* inner_module = module_of(store, "(module (func (export \"f\") unreachable))");
  wasm_instance_t* inner = instance_of(store, inner_module, NULL, 0);
  wasm_extern_vec_t exports;
  wasm_instance_exports(inner, &exports);
  wasm_func_t* func = wasm_extern_as_func(exports.data[0]);
  wasm_func_t* host = host_of(store, call_other, &func);
  wasm_extern_t* items[] = {wasm_func_as_extern(host)};
  wasm_extern_vec_t imports = WASM_ARRAY_VEC(items);
  wasm_trap_t* trap;
  CHECK(!wasm_instance_new(store, module, &imports, &trap) && failed_with(WASMELT_FAULT_GUEST));
  CHECK(trapped_with(trap, WASMELT_FAULT_GUEST));
  wasm_func_delete(host);
  wasm_extern_vec_delete(&exports);
  wasm_instance_delete(inner);
  wasm_module_delete(inner_module);
  wasm_module_delete(module);
}

int main(void) {
  wasm_config_t* config = wasm_config_new();
  wasmelt_config_set_signals(config, false);
  wasm_engine_t* engine = wasm_engine_new_with_config(config);
  wasm_store_t* store = wasm_store_new(engine);
  static const char* const TEXT =
    "(module (import \"h\" \"f\" (func $f)) (func $mid (call $f)) (func (export \"f\") (call $mid)))";
  messages(store);
  wasm_module_t* module = module_of(store, TEXT);
  kept(store, module);
  wasm_module_delete(module);
  /* Of one module with two instances it could not be said whose a frame is. */
  module = module_of(store, TEXT);
  two_stores(engine, store, module);
  wasm_module_delete(module);
  failed_start(store);
  wasm_store_delete(store);
  wasm_engine_delete(engine);
  return all_deleted();
}
