/* What the checks share. */

#ifndef CHECK_H
#define CHECK_H

#include "../../examples/example.h"

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      give_up("the last failure was"); \
    } \
  } while (0)

/* The last call failed, for this reason; forgets it. */
static inline bool failed_with(wasmelt_fault_t fault) {
  wasmelt_error_t* error = wasmelt_last_error();
  bool is_it = error && wasmelt_error_fault(error) == fault;
  if (error && !is_it) {
    wasm_message_t message;
    wasmelt_error_message(error, &message);
    fprintf(stderr, "fault %d: %s\n", wasmelt_error_fault(error), message.data);
    wasm_byte_vec_delete(&message);
  }
  wasmelt_error_delete(error);
  return is_it;
}

/* No call has failed since the last failure was asked for. */
static inline bool none_failed(void) {
  wasmelt_error_t* error = wasmelt_last_error();
  wasmelt_error_delete(error);
  return error == NULL;
}

static inline bool trapped_with(wasm_trap_t* trap, wasmelt_fault_t fault) {
  bool is_it = trap && wasmelt_trap_fault(trap) == fault;
  wasm_trap_delete(trap);
  return is_it;
}

#endif
