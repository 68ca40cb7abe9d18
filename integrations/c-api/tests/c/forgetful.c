/* Forgets to delete a type, which the counters and whoever watches must notice. */

#include "check.h"

static void forget(void) {
  wasm_functype_t* type = wasm_functype_new_0_0();
  CHECK(type && wasmelt_live_count(WASMELT_LIVE_EXTERNTYPE) == 1);
  wasm_functype_delete(wasm_functype_copy(type));
}

int main(void) {
  forget();
  /* What the first call left in registers and on the stack is overwritten. */
  wasm_functype_delete(wasm_functype_new_0_0());
  wasm_engine_delete(wasm_engine_new());
  return all_deleted();
}
