/* What wasmelt has beyond the standard wasm.h: options, errors, artifacts and
 * trust, fuel, interruption, limits, the calling instance, closing, counters.
 *
 * Rules that hold for both headers:
 *
 * - A failed call returns NULL, false or zero, and leaves the reason for
 *   wasmelt_last_error(), which is the thread's own. wasm_func_call returns a
 *   trap instead.
 * - NULL where an object is expected is a failure, not a crash; deleting NULL
 *   does nothing. Pointers to objects that were deleted are undefined
 *   behaviour, as everywhere in C.
 * - An object of another store or engine is refused. So is a call from a second
 *   thread while a first one is in a call of the same store; between calls,
 *   stores may go from thread to thread. Engines, shared modules and interrupt
 *   handles may be used by any number of threads at once. A module is one too.
 * - `own` means what wasm.h says. Out-parameters need not be initialised, and
 *   are always written; where a call fails, a vector is empty, a pointer NULL,
 *   and anything else zero. The same holds for the results of wasm_func_call: of
 *   a call that ends with a trap they are zeros.
 * - A host function may not be left by longjmp or by a C++ exception. It may
 *   use the store that it was called in.
 * - Host information (wasm_xxx_set_host_info) belongs to the object, so that
 *   every reference to it has the same. For functions, globals, tables,
 *   memories and instances it lasts as long as the store, and is refused like
 *   everything else there; for the others it lasts as long as there is a
 *   reference. Setting it again finalizes what was there; what is refused is
 *   finalized at once. Finalizers, and host functions, may delete whatever they
 *   like, also what the running call was given: but not where it is going to
 *   write, which are its out-parameters and the places for results.
 * - The message of wasm_trap_new ends at its first zero byte, or with its
 *   vector. What is not UTF-8 there is replaced.
 * - A trap that a host function returns comes out of the call as another object,
 *   which has the same host information, and the frames of the call in addition.
 * - wasm_module_new and wasm_module_validate take the text format, too.
 * - wasm_module_serialize gives an artifact. wasm_module_deserialize runs what
 *   it is given as native code, so it refuses everything unless the engine's
 *   configuration says what to trust: see wasmelt_config_trust_digest.
 * - wasm_frame_instance is NULL unless the store has exactly one instance of the
 *   frame's module. Offsets in a function count from its body, behind the
 *   body's size. What is not known is SIZE_MAX: offsets in functions of modules
 *   that were loaded from artifacts.
 */

#ifndef WASMELT_H
#define WASMELT_H

#include <wasm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define own

/* -- Versions ------------------------------------------------------------ */

/* Rises when programs must be built again. */
#define WASMELT_API_VERSION 0

/* WASMELT_API_VERSION of the library that runs. */
WASM_API_EXTERN uint32_t wasmelt_api_version(void);

/* Version of the library, for people; never freed. */
WASM_API_EXTERN const char* wasmelt_version(void);

/* Only artifacts of this version are loaded. */
WASM_API_EXTERN uint32_t wasmelt_artifact_abi_version(void);

/* -- Errors -------------------------------------------------------------- */

/* Whose fault a failure is. The kinds never mix. */
typedef uint8_t wasmelt_fault_t;
enum wasmelt_fault_enum {
  WASMELT_FAULT_GUEST,     /* the guest trapped */
  WASMELT_FAULT_MODULE,    /* the module is refused */
  WASMELT_FAULT_ARTIFACT,  /* the artifact is refused */
  WASMELT_FAULT_HOST,      /* this host, or what the embedder had it do */
  WASMELT_FAULT_LIMIT,     /* a limit that the embedder set, fuel included */
  WASMELT_FAULT_USAGE,     /* the call is not allowed, or does not fit */
  WASMELT_FAULT_BUG        /* an error in wasmelt; please report it */
};

/* Why compiled code stopped. */
typedef uint8_t wasmelt_trap_code_t;
enum wasmelt_trap_code_enum {
  WASMELT_TRAP_NONE = 0,  /* it is no trap of compiled code */
  WASMELT_TRAP_UNREACHABLE = 1,
  WASMELT_TRAP_MEMORY_OUT_OF_BOUNDS = 2,
  WASMELT_TRAP_TABLE_OUT_OF_BOUNDS = 3,
  WASMELT_TRAP_INDIRECT_CALL_TO_NULL = 4,
  WASMELT_TRAP_INTEGER_DIVISION_BY_ZERO = 5,
  WASMELT_TRAP_INTEGER_OVERFLOW = 6,
  WASMELT_TRAP_BAD_CONVERSION_TO_INTEGER = 7,
  WASMELT_TRAP_STACK_OVERFLOW = 8,
  WASMELT_TRAP_BAD_SIGNATURE = 9,
  WASMELT_TRAP_OUT_OF_FUEL = 10,
  WASMELT_TRAP_GROWTH_OPERATION_LIMITED = 11,
  WASMELT_TRAP_OUT_OF_SYSTEM_MEMORY = 12,
  WASMELT_TRAP_INTERRUPTED = 13
};

typedef struct wasmelt_error_t wasmelt_error_t;

/* Why the last call of this thread that failed did so, or NULL. Asking takes it
 * away; a call that succeeds leaves it alone. */
WASM_API_EXTERN own wasmelt_error_t* wasmelt_last_error(void);
WASM_API_EXTERN void wasmelt_error_delete(own wasmelt_error_t*);

WASM_API_EXTERN wasmelt_fault_t wasmelt_error_fault(const wasmelt_error_t*);
WASM_API_EXTERN wasmelt_trap_code_t wasmelt_error_trap_code(const wasmelt_error_t*);

/* Whether every correct engine, on every machine, fails in the same way. Only
 * then may a decision that others must share be based on it. */
WASM_API_EXTERN bool wasmelt_error_is_deterministic(const wasmelt_error_t*);

/* Null-terminated. */
WASM_API_EXTERN void wasmelt_error_message(const wasmelt_error_t*, own wasm_message_t* out);

/* The same of a trap. One that wasm_trap_new made has WASMELT_FAULT_HOST. */
WASM_API_EXTERN wasmelt_fault_t wasmelt_trap_fault(const wasm_trap_t*);
WASM_API_EXTERN wasmelt_trap_code_t wasmelt_trap_code(const wasm_trap_t*);
WASM_API_EXTERN bool wasmelt_trap_is_deterministic(const wasm_trap_t*);

/* Names that the module has for a frame's function and for itself, null-
 * terminated, or NULL. They live as long as the frame. */
WASM_API_EXTERN const wasm_name_t* wasmelt_frame_func_name(const wasm_frame_t*);
WASM_API_EXTERN const wasm_name_t* wasmelt_frame_module_name(const wasm_frame_t*);

/* -- Configuration ------------------------------------------------------- */

/* Each returns false, and changes nothing, if the value is unknown. */

typedef uint8_t wasmelt_opt_level_t;
enum wasmelt_opt_level_enum {
  WASMELT_OPT_NONE,  /* compiles fastest */
  WASMELT_OPT_SPEED  /* the default */
};
WASM_API_EXTERN bool wasmelt_config_set_opt_level(wasm_config_t*, wasmelt_opt_level_t);

/* How accesses stay inside linear memory. */
typedef uint8_t wasmelt_bounds_checks_t;
enum wasmelt_bounds_checks_enum {
  WASMELT_BOUNDS_GUARD,     /* 8 GiB of address space per memory; the default */
  WASMELT_BOUNDS_EXPLICIT,  /* a comparison before each access */
  WASMELT_BOUNDS_AUTO       /* guard pages where the process can have them */
};
WASM_API_EXTERN bool wasmelt_config_set_bounds_checks(wasm_config_t*, wasmelt_bounds_checks_t);

/* Whether traps may arrive as signals. Default: true; then the first engine of
 * a process handles SIGSEGV, SIGBUS, SIGFPE and SIGILL, and passes on what is
 * not a guest's. Programs whose runtime has handlers or threads of its own, such
 * as those of Go and Java, say false: nothing is installed, and all checks are
 * explicit. */
WASM_API_EXTERN bool wasmelt_config_set_signals(wasm_config_t*, bool);

/* Whether a running guest can be interrupted. Default: false. */
WASM_API_EXTERN bool wasmelt_config_set_interruption(wasm_config_t*, bool);

/* Whether fuel is metered. Default: false. */
WASM_API_EXTERN bool wasmelt_config_set_fuel(wasm_config_t*, bool);

/* Whether results of float arithmetic have canonical NaN bits. Default: false. */
WASM_API_EXTERN bool wasmelt_config_set_nan_canonicalization(wasm_config_t*, bool);

/* Whether explicit bounds checks also hold under speculation. Default: false. */
WASM_API_EXTERN bool wasmelt_config_set_spectre_mitigation(wasm_config_t*, bool);

/* Which processors compiled code is for, by the names of `wasmelt compile`.
 * Default: the baseline of the target, so that artifacts run elsewhere, too. */
WASM_API_EXTERN bool wasmelt_config_set_cpu_level(wasm_config_t*, const char* name);

/* Which language modules may use. */
typedef uint8_t wasmelt_preset_t;
enum wasmelt_preset_enum {
  WASMELT_PRESET_STRICT_MVP,  /* no import or export of mutable globals */
  WASMELT_PRESET_WASM1,       /* the default */
  WASMELT_PRESET_POLKADOT     /* what Polkadot hosts accept */
};
WASM_API_EXTERN bool wasmelt_config_set_preset(wasm_config_t*, wasmelt_preset_t);

/* 0, the default, means one thread per core; 1 that none is ever started. */
WASM_API_EXTERN bool wasmelt_config_set_compile_threads(wasm_config_t*, size_t);

/* How much of the calling thread's stack a guest may use. Default: 1 MiB. */
WASM_API_EXTERN bool wasmelt_config_set_max_stack(wasm_config_t*, size_t len_bytes);

/* How many memories are kept for new instances, and how many bytes of each. */
WASM_API_EXTERN bool wasmelt_config_set_pool(
  wasm_config_t*, size_t max_memories, size_t keep_resident_bytes);

/* Where compiled modules are kept. Default: nowhere. */
typedef uint8_t wasmelt_cache_mode_t;
enum wasmelt_cache_mode_enum {
  WASMELT_CACHE_READ_WRITE,  /* makes the folder, if it is not there */
  WASMELT_CACHE_READ_ONLY,
  WASMELT_CACHE_MUST_HIT     /* a module that is not there is a failure */
};
WASM_API_EXTERN bool wasmelt_config_set_cache(
  wasm_config_t*, const char* folder, wasmelt_cache_mode_t);

/* -- Artifacts and trust ------------------------------------------------- */

/* An artifact is native code: whoever chooses which one is loaded decides what
 * this process does. Its digest proves that it is intact, not where it is from,
 * so each load names the reason for trusting it. */

typedef uint8_t wasmelt_trust_t;
enum wasmelt_trust_enum {
  WASMELT_TRUST_DIGEST,              /* somebody trusted named its digest */
  WASMELT_TRUST_OWN_CACHE,           /* a file that only this user can write */
  WASMELT_TRUST_OWN_CACHE_UNHASHED,  /* the same, not hashed again in place */
  WASMELT_TRUST_NAMED                /* a person named the file */
};

#define WASMELT_DIGEST_LEN 32

/* Compiles a module to an artifact. `digest_out` may be NULL; it is what to
 * give, by a trusted way, to whoever loads the artifact. */
WASM_API_EXTERN bool wasmelt_compile(
  wasm_engine_t*, const wasm_byte_vec_t* wasm, own wasm_byte_vec_t* out,
  uint8_t digest_out[WASMELT_DIGEST_LEN]);

/* The digest of an artifact that is intact. */
WASM_API_EXTERN bool wasmelt_artifact_digest(
  const wasm_byte_vec_t* artifact, uint8_t digest_out[WASMELT_DIGEST_LEN]);

/* Loads an artifact. `digest` is NULL but for WASMELT_TRUST_DIGEST, which is the
 * only trust for bytes. */
WASM_API_EXTERN own wasm_module_t* wasmelt_module_load_bytes(
  wasm_store_t*, const wasm_byte_vec_t* artifact, wasmelt_trust_t,
  const uint8_t digest[WASMELT_DIGEST_LEN]);
WASM_API_EXTERN own wasm_module_t* wasmelt_module_load_file(
  wasm_store_t*, const char* path, wasmelt_trust_t,
  const uint8_t digest[WASMELT_DIGEST_LEN]);

/* UNSAFE: runs the code of whoever wrote the bytes, with all rights of this
 * process. Only their form is checked. */
WASM_API_EXTERN own wasm_module_t* wasmelt_module_load_bytes_unchecked_unsafe(
  wasm_store_t*, const wasm_byte_vec_t* artifact);

/* What wasm_module_deserialize trusts; nothing, unless one of these is called.
 * The artifact with this digest: */
WASM_API_EXTERN bool wasmelt_config_trust_digest(
  wasm_config_t*, const uint8_t digest[WASMELT_DIGEST_LEN]);

/* Every artifact that wasm_module_serialize or wasmelt_compile made with this
 * engine, in this process: */
WASM_API_EXTERN bool wasmelt_config_trust_own_artifacts(wasm_config_t*, bool);

/* UNSAFE: any bytes, as wasmelt_module_load_bytes_unchecked_unsafe does. */
WASM_API_EXTERN bool wasmelt_config_trust_any_bytes_unsafe(wasm_config_t*, bool);

/* -- Fuel ---------------------------------------------------------------- */

/* A store has no fuel until it is given some. Host functions may ask and give,
 * too. Fails unless the engine meters fuel. */
WASM_API_EXTERN bool wasmelt_store_set_fuel(wasm_store_t*, uint64_t fuel);
WASM_API_EXTERN bool wasmelt_store_get_fuel(const wasm_store_t*, uint64_t* out);

/* -- Interruption -------------------------------------------------------- */

/* Ends a store's running call, or else its next one, from any thread. May
 * outlive the store. NULL unless the engine allows interruption. */
typedef struct wasmelt_interrupt_handle_t wasmelt_interrupt_handle_t;

WASM_API_EXTERN own wasmelt_interrupt_handle_t* wasmelt_interrupt_handle_new(const wasm_store_t*);
WASM_API_EXTERN void wasmelt_interrupt_handle_delete(own wasmelt_interrupt_handle_t*);
WASM_API_EXTERN bool wasmelt_interrupt_handle_interrupt(const wasmelt_interrupt_handle_t*);

/* Takes a request back that no call has ended for yet. */
WASM_API_EXTERN bool wasmelt_interrupt_handle_withdraw(const wasmelt_interrupt_handle_t*);

/* -- Limits -------------------------------------------------------------- */

/* What a store may use. */
typedef struct wasmelt_limits_t {
  uint64_t memory_bytes;    /* of each memory */
  uint64_t table_elements;  /* of each table */
  uint64_t instances;
  uint64_t tables;
  uint64_t memories;
  bool trap_on_refusal;     /* whether memory.grow traps instead of giving -1 */
} wasmelt_limits_t;

/* What a new store has: sizes without limit, and 10000 of each thing. */
WASM_API_EXTERN void wasmelt_limits_init(wasmelt_limits_t* out);
WASM_API_EXTERN bool wasmelt_store_set_limits(wasm_store_t*, const wasmelt_limits_t*);

/* -- Host functions that know who calls ---------------------------------- */

/* Who calls a host function. Valid until the function that it was passed to
 * returns, also in calls that this one makes. */
typedef struct wasmelt_caller_t wasmelt_caller_t;

typedef own wasm_trap_t* (*wasmelt_func_callback_t)(
  void* env, const wasmelt_caller_t* caller,
  const wasm_val_vec_t* args, wasm_val_vec_t* results);

/* As wasm_func_new_with_env. The function lives as long as the store, and
 * `env` is finalized with it (or at once, if there is no function). */
WASM_API_EXTERN own wasm_func_t* wasmelt_func_new(
  wasm_store_t*, const wasm_functype_t* type, wasmelt_func_callback_t,
  void* env, void (*finalizer)(void*));

/* What the calling instance exports under a name, for example its memory; NULL
 * if nothing, or if the host itself made the call. */
WASM_API_EXTERN own wasm_extern_t* wasmelt_caller_export(
  const wasmelt_caller_t*, const char* name);

/* The store, not to be deleted, and valid as long as the caller. */
WASM_API_EXTERN wasm_store_t* wasmelt_caller_store(const wasmelt_caller_t*);

/* -- Closing ------------------------------------------------------------- */

/* A store lives until the last reference to it or to anything in it is gone,
 * which a program whose handles are garbage-collected does not decide. Closing
 * frees its memories, tables and instances now, and runs the finalizers of its
 * functions and host information. Handles stay valid, must still be deleted, and
 * what they are asked to do is refused. Fails while a call of the store runs.
 * An instance has no end of its own before its store's: give one that shall end
 * by itself a store of its own. Pointers into memories are invalid afterwards. */
WASM_API_EXTERN bool wasmelt_store_close(wasm_store_t*);

/* Closes all stores of an engine, and lets go of the code of its modules. Fails
 * while a call of a store runs; then some stores may be closed already. */
WASM_API_EXTERN bool wasmelt_engine_close(wasm_engine_t*);

/* -- Counters ------------------------------------------------------------ */

/* Objects that the program owns, in the whole process, and stores that are not
 * closed. All are zero when everything was deleted. */
typedef uint8_t wasmelt_live_kind_t;
enum wasmelt_live_kind_enum {
  WASMELT_LIVE_CONFIG,
  WASMELT_LIVE_ENGINE,
  WASMELT_LIVE_STORE,
  WASMELT_LIVE_OPEN_STORE,  /* not closed, whether or not there are handles */
  WASMELT_LIVE_MODULE,
  WASMELT_LIVE_SHARED_MODULE,
  WASMELT_LIVE_INSTANCE,
  WASMELT_LIVE_FUNC,
  WASMELT_LIVE_GLOBAL,
  WASMELT_LIVE_TABLE,
  WASMELT_LIVE_MEMORY,
  WASMELT_LIVE_FOREIGN,
  WASMELT_LIVE_TRAP,
  WASMELT_LIVE_FRAME,
  WASMELT_LIVE_VALTYPE,
  WASMELT_LIVE_EXTERNTYPE,  /* of functions, globals, tables, memories, too */
  WASMELT_LIVE_IMPORTTYPE,
  WASMELT_LIVE_EXPORTTYPE,
  WASMELT_LIVE_VECTOR,      /* with elements */
  WASMELT_LIVE_ERROR,
  WASMELT_LIVE_INTERRUPT_HANDLE,
  WASMELT_LIVE_KINDS        /* how many kinds there are */
};
WASM_API_EXTERN uint64_t wasmelt_live_count(wasmelt_live_kind_t);

/* The sum over all kinds. */
WASM_API_EXTERN uint64_t wasmelt_live_total(void);

#undef own

#ifdef __cplusplus
}  /* extern "C" */
#endif

#endif  /* WASMELT_H */
