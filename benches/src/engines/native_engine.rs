//! Compilers of C, and of wasm to C, for the kernels' sources: what a program without wasm would run.
#![allow(
    unsafe_code,
    reason = "calls code that a C compiler made of this project's own sources"
)]

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use libloading::{Library, Symbol};
use tempfile::TempDir;

use crate::engines::{self, Version};
use crate::kernels::{KERNELS, Kernel};
use crate::phases::Phase;

/// What all of them get: no `errno`, no contraction of floating point, so that results are those of wasm.
const FLAGS: [&str; 8] = [
    "-std=gnu11",
    "-D_GNU_SOURCE",
    "-DNDEBUG",
    "-fno-math-errno",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
    "-w",
];

/// Where `wasm2c` keeps what its output needs.
const WASM2C_RUNTIME: &str = "/usr/share/wabt/wasm2c";

/// A compiler, and whether the kernel goes through wasm before.
#[derive(Clone, Copy)]
pub(crate) struct NativeVariant {
    pub(crate) name: &'static str,
    compiler: &'static str,
    level: &'static str,
    through_wasm: bool,
}

/// Those that are known; a machine need not have them.
pub(crate) const VARIANTS: &[NativeVariant] = &[
    NativeVariant {
        name: "gcc",
        compiler: "gcc",
        level: "-O2",
        through_wasm: false,
    },
    NativeVariant {
        name: "clang",
        compiler: "clang",
        level: "-O3",
        through_wasm: false,
    },
    NativeVariant {
        name: "wasm2c",
        compiler: "gcc",
        level: "-O2",
        through_wasm: true,
    },
];

pub(crate) struct NativeEngine {
    variant: NativeVariant,
    version: String,
    folder: TempDir,
    built: Cell<u32>,
}

impl NativeEngine {
    /// The engine, if this machine has its programs.
    pub(crate) fn new(variant: NativeVariant) -> Result<Self> {
        let mut version = version_of(variant.compiler, "-dumpfullversion")
            .or_else(|_| version_of(variant.compiler, "-dumpversion"))?;
        if variant.through_wasm {
            ensure!(
                Path::new(WASM2C_RUNTIME).is_dir(),
                "there is no {WASM2C_RUNTIME}"
            );
            version = format!("{} + gcc {version}", version_of("wasm2c", "--version")?);
        }
        Ok(Self {
            variant,
            version,
            folder: TempDir::new()?,
            built: Cell::new(0),
        })
    }

    /// Builds a shared object with a function `run`.
    fn build(&self, kernel: &Kernel) -> Result<PathBuf> {
        let number = self.built.replace(self.built.get() + 1);
        let library = self
            .folder
            .path()
            .join(format!("{}-{number}.so", kernel.name));
        let mut command = Command::new(self.variant.compiler);
        command
            .args(FLAGS)
            .arg(self.variant.level)
            .arg("-o")
            .arg(&library);
        if self.variant.through_wasm {
            let (wasm, code) = (
                self.folder.path().join("k.wasm"),
                self.folder.path().join("k.c"),
            );
            std::fs::write(&wasm, kernel.wasm)?;
            let mut translate = Command::new("wasm2c");
            translate
                .arg(&wasm)
                .args(["--module-name=k", "-o"])
                .arg(&code);
            run(&mut translate)?;
            let entry = self.folder.path().join("entry.c");
            std::fs::write(&entry, WASM2C_ENTRY)?;
            command
                .arg(format!("-I{WASM2C_RUNTIME}"))
                .arg(format!("-I{}", self.folder.path().display()))
                .args([&entry, &code])
                .arg(format!("{WASM2C_RUNTIME}/wasm-rt-impl.c"))
                .arg("-lm");
        } else {
            let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels");
            command.arg(sources.join(kernel.name).with_extension("c"));
        }
        run(&mut command)?;
        Ok(library)
    }
}

/// Makes one instance, and calls it. Guard pages are reserved, but no signal handler is installed: kernels do not trap.
const WASM2C_ENTRY: &str = r"
#include <stdint.h>
#include <stdbool.h>
bool wasm_rt_is_initialized(void);
#include <k.h>
static Z_k_instance_t instance;
static int is_ready;
uint32_t run(uint32_t n) {
    if (!is_ready) {
        is_ready = 1;
        Z_k_init_module();
        Z_k_instantiate(&instance);
    }
    return Z_kZ_run(&instance, n);
}
";

fn version_of(program: &str, argument: &str) -> Result<String> {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .with_context(|| format!("`{program}` does not run"))?;
    ensure!(output.status.success(), "`{program} {argument}` failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

impl engines::Engine for NativeEngine {
    fn name(&self) -> &'static str {
        self.variant.name
    }

    fn version(&self) -> Version {
        Version::Found(self.version.clone())
    }

    fn settings(&self) -> String {
        let NativeVariant {
            compiler, level, ..
        } = self.variant;
        let source = if self.variant.through_wasm {
            "the kernels' wasm"
        } else {
            "the kernels' C"
        };
        format!("{compiler} {level} for x86-64 of {source}; no wasm engine")
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::Execute]
    }

    fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
        let kernel = KERNELS.iter().find(|kernel| kernel.wasm == wasm);
        let kernel = kernel.context("only the kernels have sources in C")?;
        Ok(Box::new(Built {
            path: self.build(kernel)?,
        }))
    }

    fn precompile(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn load(&self, _: &[u8]) -> Result<Box<dyn engines::Module>> {
        bail!("nothing is stored")
    }
}

struct Built {
    path: PathBuf,
}

impl engines::Module for Built {
    fn instantiate(&self) -> Result<Box<dyn engines::Instance>> {
        // SAFETY: the library was just built from this project's sources, and runs nothing when loaded.
        let library = unsafe { Library::new(&self.path)? };
        Ok(Box::new(Loaded { library }))
    }
}

struct Loaded {
    library: Library,
}

impl engines::Instance for Loaded {
    fn run_many(&mut self, n: u32, times: u32) -> Result<u32> {
        // SAFETY: kernels define `run` with this type.
        let run: Symbol<'_, unsafe extern "C" fn(u32) -> u32> = unsafe { self.library.get("run")? };
        let mut result = 0;
        for _ in 0..times {
            // SAFETY: as above; it touches static data of its own only.
            result = unsafe { run(n) };
        }
        Ok(result)
    }

    fn run_trapping(&mut self, _: u32) -> Result<u32> {
        bail!("what a C compiler makes does not trap")
    }

    fn run_dynamic_many(&mut self, n: u32, times: u32) -> Result<u32> {
        self.run_many(n, times)
    }
}
