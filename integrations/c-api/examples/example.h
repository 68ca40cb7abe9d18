/* What the examples share: giving up with the reason, modules from text, and a
 * last look at the counters. */

#ifndef EXAMPLE_H
#define EXAMPLE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <wasm.h>
#include <wasmelt.h>

/* Ends the program with the reason of the last failure. */
static inline void give_up(const char* what) {
  wasmelt_error_t* error = wasmelt_last_error();
  wasm_message_t message = WASM_EMPTY_VEC;
  if (error) wasmelt_error_message(error, &message);
  fprintf(stderr, "%s: %s\n", what, message.data ? message.data : "no reason given");
  exit(1);
}

static inline void expect(bool holds, const char* what) {
  if (!holds) give_up(what);
}

/* Prints why a call failed, and forgets it. */
static inline void print_last_error(void) {
  wasmelt_error_t* error = wasmelt_last_error();
  expect(error != NULL, "a failure has a reason");
  wasm_message_t message;
  wasmelt_error_message(error, &message);
  printf("refused: %s\n", message.data);
  wasm_byte_vec_delete(&message);
  wasmelt_error_delete(error);
}

/* Prints the message of a trap, and deletes it. */
static inline void print_trap(wasm_trap_t* trap) {
  expect(trap != NULL, "the call ends with a trap");
  wasm_message_t message;
  wasm_trap_message(trap, &message);
  printf("trap %d: %s\n", wasmelt_trap_code(trap), message.data);
  wasm_byte_vec_delete(&message);
  wasm_trap_delete(trap);
}

static inline wasm_module_t* module_of(wasm_store_t* store, const char* text) {
  wasm_byte_vec_t bytes;
  wasm_byte_vec_new(&bytes, strlen(text), text);
  wasm_module_t* module = wasm_module_new(store, &bytes);
  wasm_byte_vec_delete(&bytes);
  expect(module != NULL, "the module is accepted");
  return module;
}

/* An instance with imports that are used, but not taken. */
static inline wasm_instance_t* instance_of(
  wasm_store_t* store, const wasm_module_t* module, wasm_extern_t** imports, size_t count
) {
  wasm_extern_vec_t vector = {count, imports};
  wasm_trap_t* trap = NULL;
  wasm_instance_t* instance = wasm_instance_new(store, module, &vector, &trap);
  if (!instance) print_trap(trap);
  expect(instance != NULL, "the module can be instantiated");
  return instance;
}

/* Everything that a program owned is deleted: call it last. */
static inline int all_deleted(void) {
  for (int kind = 0; kind < WASMELT_LIVE_KINDS; kind++) {
    uint64_t count = wasmelt_live_count((wasmelt_live_kind_t)kind);
    if (count) fprintf(stderr, "%" PRIu64 " objects of kind %d are left\n", count, kind);
  }
  return wasmelt_live_total() == 0 ? 0 : 1;
}

#endif
