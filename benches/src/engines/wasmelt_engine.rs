//! wasmelt, the engine that this project builds.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;
use wasmelt::{BoundsChecks, CpuLevel, InstancePre, OptLevel, PoolConfig, Trust};

use crate::engines::{Variant, engine_with_interpreter_interface};

/// wasmelt's settings.
pub(crate) const VARIANTS: &[Variant<Config>] = &[
    Variant {
        name: "wasmelt",
        settings: "defaults (cranelift, speed, x86-64-v2); load checks the digest and seals a copy",
        configure: |_| {},
    },
    Variant {
        name: "wasmelt-v3",
        settings: "defaults, but for x86-64-v3",
        configure: |config| {
            config.cpu(CpuLevel::X86_64V3);
        },
    },
    // As wasmtime emits by default: what remains of a difference is not the instruction set.
    Variant {
        name: "wasmelt-native",
        settings: "defaults, but for this processor",
        configure: |config| {
            config.cpu(CpuLevel::Native);
        },
    },
    Variant {
        name: "wasmelt-none",
        settings: "defaults, but not optimised",
        configure: |config| {
            config.opt_level(OptLevel::None);
        },
    },
    Variant {
        name: "wasmelt-fuel",
        settings: "defaults, but with fuel",
        configure: |config| {
            config.consume_fuel(true);
        },
    },
    Variant {
        name: "wasmelt-interrupt",
        settings: "defaults, but with interruption",
        configure: |config| {
            config.interruption(true);
        },
    },
    Variant {
        name: "wasmelt-explicit",
        settings: "defaults, but with explicit bounds checks",
        configure: |config| {
            config.bounds_checks(BoundsChecks::Explicit);
        },
    },
    Variant {
        name: "wasmelt-explicit-fuel",
        settings: "defaults, but with explicit bounds checks and fuel",
        configure: |config| {
            config
                .bounds_checks(BoundsChecks::Explicit)
                .consume_fuel(true);
        },
    },
    Variant {
        name: "wasmelt-no-signals",
        settings: "defaults, but without signals",
        configure: |config| {
            config.signals(false);
        },
    },
    Variant {
        name: "wasmelt-pool",
        settings: "defaults, but with a pool in its defaults",
        configure: |config| {
            config.pool(PoolConfig::new());
        },
    },
    Variant {
        name: "wasmelt-nan",
        settings: "defaults, but with NaN canonicalisation",
        configure: |config| {
            config.nan_canonicalization(true);
        },
    },
];

/// wasmelt that loads entries of a private folder where they are.
pub(crate) struct CachedEngine {
    name: &'static str,
    settings: &'static str,
    trust: Trust,
    inner: WasmeltEngine,
    folder: TempDir,
}

impl CachedEngine {
    /// With the digest checked, or not.
    pub(crate) fn new(is_hashed: bool) -> Result<Self> {
        let (name, settings, trust) = if is_hashed {
            (
                CACHED,
                "defaults; load checks the digest of a private file",
                Trust::OwnCache,
            )
        } else {
            (
                UNHASHED,
                "defaults; load checks the form of a private file, and no digest",
                Trust::OwnCacheUnhashed,
            )
        };
        Ok(Self {
            name,
            settings,
            trust,
            inner: WasmeltEngine::new(&VARIANTS[0])?,
            folder: TempDir::new()?,
        })
    }
}

pub(crate) const CACHED: &str = "wasmelt-cached";
pub(crate) const UNHASHED: &str = "wasmelt-unhashed";

impl engines::Engine for CachedEngine {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> engines::Version {
        self.inner.version()
    }

    fn settings(&self) -> String {
        self.settings.to_owned()
    }

    fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
        self.inner.compile(wasm)
    }

    /// The path of a file with the artifact.
    fn precompile(&self, wasm: &[u8]) -> Result<Option<Vec<u8>>> {
        let Some(artifact) = self.inner.precompile(wasm)? else {
            return Ok(None);
        };
        let entries = fs::read_dir(self.folder.path())?.count();
        let path = self.folder.path().join(format!("{entries}.so"));
        fs::write(&path, artifact)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400))?;
        Ok(Some(path.as_os_str().as_bytes().to_vec()))
    }

    fn load(&self, path: &[u8]) -> Result<Box<dyn engines::Module>> {
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        let module = Module::load(&self.inner.engine, path, &self.trust)?;
        Ok(self.inner.module(module))
    }
}

engine_with_interpreter_interface! {
    /// wasmelt, an ahead-of-time compiler.
    WasmeltEngine, wasmelt,
    precompile: |engine, wasm| Ok(Some(Module::compile(engine, wasm)?)),
    load: |engine, bytes| Ok(Module::load(engine, bytes, &Trust::Named)?),
    prepare: |linker, module| Ok(linker.instantiate_pre(module)?) => InstancePre<()>,
    instantiate: |_, pre, store| Ok(pre.instantiate(store)?),
}
