//! The single checks. Where it can be tried whether something works, it is tried.

use super::{Check, process::Status};
use crate::cache::PlaceArgs;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::{fs, path::Path};
use wasmelt::{
    BoundsChecks, Cache, CacheMode, Config, CpuLevel, Engine, Instance, Module, OptLevel, Store,
    Trust, errors::CacheError,
};
use wasmelt_loader::{Route, host_cpu_features};

/// Address space of one memory with guard pages, about.
const RESERVATION_LEN_BYTES: u64 = 8 << 30;
/// Of this much disk a cache needs some.
const SMALL_DISK_LEN_BYTES: u64 = 256 << 20;
/// A module with a memory, and a function that returns 42 from it.
const PROBE: &str = r#"(module (memory 1) (data (i32.const 0) "\2a")
    (func (export "answer") (result i32) (i32.load8_u (i32.const 0))))"#;
/// Signals that a guest's traps may arrive as, with their numbers on Linux.
const TRAP_SIGNALS: [(u32, &str); 4] =
    [(11, "SIGSEGV"), (7, "SIGBUS"), (8, "SIGFPE"), (4, "SIGILL")];

pub(super) fn cpu_level() -> Check {
    const NAME: &str = "processor";
    let features = host_cpu_features();
    let levels = [CpuLevel::X86_64V3, CpuLevel::X86_64V2];
    let level = levels
        .into_iter()
        .find(|level| level.features().missing_from(features).is_empty());
    match level {
        Some(level) => Check::ok(
            NAME,
            format!("{level}: artifacts for it and below load here"),
        ),
        None => Check::problem(
            NAME,
            format!("less than {}, which artifacts are for", CpuLevel::X86_64V2),
            "run on a processor of 2009 or later; in a virtual machine, ask for one (`-cpu host`)",
        ),
    }
}

pub(super) fn address_space(limit: Option<u64>) -> Check {
    const NAME: &str = "address space";
    match limit {
        None => Check::ok(NAME, "no limit (RLIMIT_AS)"),
        Some(limit) if limit < 4 * RESERVATION_LEN_BYTES => Check::warning(
            NAME,
            format!(
                "limited to {} MiB: a memory with guard pages takes 8 GiB",
                limit >> 20
            ),
            "`ulimit -v unlimited`, or compile with --bounds explicit, for which no reservation is needed",
        ),
        Some(limit) => Check::ok(
            NAME,
            format!(
                "limited to {} GiB: about {} memories with guard pages at a time",
                limit >> 30,
                limit / RESERVATION_LEN_BYTES
            ),
        ),
    }
}

/// Compiles the probe, loads it and calls it.
fn try_probe(bounds: BoundsChecks) -> Result<Route, wasmelt::Error> {
    let mut config = Config::new();
    config
        .bounds_checks(bounds)
        .opt_level(OptLevel::None)
        .compile_threads(1);
    let engine = Engine::new(&config);
    let probe = wat::parse_str(PROBE).expect("it is a module");
    let artifact = Module::compile(&engine, probe)?;
    let digest = Module::artifact_digest(&artifact)?;
    let module = Module::load(&engine, &artifact, &Trust::Digest(digest))?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let answer = instance.get_typed_func::<(), i32>(&store, "answer")?;
    let answer = answer.call(&mut store, ())?;
    assert_eq!(answer, 42, "compiled code computes what it was told to");
    Ok(module.library().route())
}

pub(super) fn reservation() -> Check {
    const NAME: &str = "guard pages";
    match try_probe(BoundsChecks::Guard) {
        Ok(_) => Check::ok(NAME, "a memory with guard pages was reserved and used"),
        Err(error) => Check::warning(
            NAME,
            format!("not available: {error}"),
            "raise the limit that the line names (RLIMIT_AS, vm.overcommit_memory, a container's), \
             or compile with --bounds explicit: a tenth slower",
        ),
    }
}

pub(super) fn code() -> Check {
    const NAME: &str = "native code";
    match try_probe(BoundsChecks::Explicit) {
        Ok(Route::Memfd) => Check::ok(NAME, "code was loaded from a sealed memory file, and ran"),
        Ok(route) => Check::warning(
            NAME,
            format!("code ran, but was loaded by way of: {route}"),
            "allow memory files (memfd_create) and mount /proc: each load writes to a disk meanwhile",
        ),
        Err(error) => Check::problem(
            NAME,
            format!("cannot be loaded: {error}"),
            "allow one of the ways that the line lists: memory files, or a folder for temporary files \
             without noexec (TMPDIR)",
        ),
    }
}

pub(super) fn memory_files() -> Check {
    const NAME: &str = "memory files";
    // 0 and 1 allow what is needed, as does 2: files that are sealed against execution as a program
    // can still be mapped.
    match fs::read_to_string("/proc/sys/vm/memfd_noexec") {
        Ok(setting) => Check::ok(
            NAME,
            format!(
                "vm.memfd_noexec is {}: code can be mapped from them",
                setting.trim()
            ),
        ),
        Err(_) => Check::ok(NAME, "this kernel has no vm.memfd_noexec"),
    }
}

pub(super) fn proc_files() -> Check {
    const NAME: &str = "/proc";
    if Path::new("/proc/self/fd").is_dir() {
        return Check::ok(NAME, "mounted: code is opened by descriptor");
    }
    Check::warning(
        NAME,
        "not mounted: code is opened by a name that is used once, in a private folder",
        "mount /proc (`mount -t proc proc /proc`, `--proc /proc` of bubblewrap)",
    )
}

pub(super) fn signal_handlers(status: &Status) -> Check {
    const NAME: &str = "signal handlers";
    if status.caught_signals.is_none() {
        return Check::ok(NAME, "unknown without /proc");
    }
    let caught: Vec<&str> = TRAP_SIGNALS
        .iter()
        .filter(|(signal, _)| status.catches(*signal))
        .map(|(_, name)| *name)
        .collect();
    // Rust's own runtime looks after SIGSEGV and SIGBUS, in this program too.
    if !status.is_other {
        return Check::ok(
            NAME,
            "those of a Rust program; --pid looks at another process",
        );
    }
    if caught.is_empty() {
        return Check::ok(NAME, "the process catches none of the signals of traps");
    }
    Check::warning(
        NAME,
        format!("the process catches {} itself", caught.join(", ")),
        "handlers of wasmelt pass on what is not a guest's; if the process installs its own later, as Go \
         and the JVM may, compile with --no-signals",
    )
}

pub(super) fn landlock() -> Check {
    const NAME: &str = "landlock";
    use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};
    let is_there = |abi| {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(abi));
        ruleset.and_then(Ruleset::create).is_ok()
    };
    if is_there(ABI::V1) {
        return Check::ok(NAME, "there: compile workers can be kept from files");
    }
    Check::warning(
        NAME,
        "not there: compile workers could read and write files",
        "use a kernel from 5.13 on with CONFIG_SECURITY_LANDLOCK, and landlock in its `lsm=` list",
    )
}

pub(super) fn seccomp(status: &Status) -> Check {
    const NAME: &str = "seccomp";
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail");
    let is_filtered = if status.seccomp == Some(2) {
        "; the process is under a filter already"
    } else {
        ""
    };
    match actions {
        Ok(actions) if actions.split_whitespace().any(|action| action == "errno") => {
            Check::ok(NAME, format!("there{is_filtered}"))
        }
        _ => Check::warning(
            NAME,
            format!("not there, or /proc does not say so{is_filtered}"),
            "use a kernel with CONFIG_SECCOMP_FILTER: compile workers could call all of it",
        ),
    }
}

/// The cache's folder, its disk, and whether code can be run from there.
pub(super) fn cache(place: &PlaceArgs) -> Vec<Check> {
    const NAME: &str = "cache";
    const REMEDY: &str = "name another folder with --cache-dir, or go without a cache (--no-cache)";
    let folder = match place.folder() {
        Ok(folder) => folder,
        Err(error) => return vec![Check::warning(NAME, error.to_string(), REMEDY)],
    };
    let shown = folder.display();
    let opened = match Cache::open_with(&folder, CacheMode::ReadOnly) {
        Ok(cache) => cache,
        Err(CacheError::MissingFolder { .. }) => {
            return vec![Check::ok(
                NAME,
                format!("{shown} is made when it is first used"),
            )];
        }
        Err(error) => return vec![Check::warning(NAME, error.to_string(), REMEDY)],
    };
    let mut checks = vec![match opened.stats() {
        Ok(stats) => Check::ok(NAME, format!("{shown}, {} entries", stats.entries)),
        Err(error) => Check::warning(NAME, error.to_string(), REMEDY),
    }];
    let Ok(disk) = statvfs(&folder) else {
        return checks;
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    checks.push(if disk.f_flag.contains(StatVfsMountFlags::RDONLY) {
        Check::warning(
            "cache disk",
            "mounted read-only: nothing that is compiled is kept",
            REMEDY,
        )
    } else if free < SMALL_DISK_LEN_BYTES {
        Check::warning(
            "cache disk",
            format!("{} MiB are free", free >> 20),
            "make room: `wasmelt cache gc --max-size SIZE`",
        )
    } else {
        Check::ok("cache disk", format!("{} MiB are free", free >> 20))
    });
    checks.push(if disk.f_flag.contains(StatVfsMountFlags::NOEXEC) {
        Check::warning(
            "cache code",
            "mounted noexec: each process has its own copy of the code in memory",
            "mount it without noexec, or name a folder elsewhere, so that processes share pages",
        )
    } else {
        Check::ok("cache code", "can be run where it lies")
    });
    checks
}
