//! Configurations, and the options that the standard leaves to the engine.
#![allow(
    unsafe_code,
    reason = "exports functions by unmangled names, and takes paths as C strings"
)]

use crate::export::export;
use crate::failure::Failure;
use crate::live::{Counted, Kind};
use crate::signature::opaque;
use crate::text::path_of;
use crate::trust::DeserializePolicy;
use std::ffi::c_char;
use wasmelt::{BoundsChecks, Cache, CacheMode, Config, CpuLevel, OptLevel, PoolConfig, Preset};

/// `wasm_config_t`.
pub(crate) struct ConfigObject {
    pub(crate) config: Config,
    pub(crate) policy: DeserializePolicy,
    _counted: Counted,
}

opaque!(ConfigObject);

fn given(config: Option<&mut ConfigObject>) -> Result<&mut ConfigObject, Failure> {
    config.ok_or_else(|| Failure::null("config"))
}

/// What a number of `wasmelt.h` means.
fn choice<T: Copy>(choices: &[T], number: u8, what: &str) -> Result<T, Failure> {
    let choice = choices.get(usize::from(number)).copied();
    choice.ok_or_else(|| Failure::usage(format!("there is no {what} {number}")))
}

const BOUNDS: [BoundsChecks; 3] = [
    BoundsChecks::Guard,
    BoundsChecks::Explicit,
    BoundsChecks::Auto,
];
const MODES: [CacheMode; 3] = [
    CacheMode::ReadWrite,
    CacheMode::ReadOnly,
    CacheMode::MustHit,
];

export! { EXPORTS;
    fn wasm_config_new() -> Option<Box<ConfigObject>> {
        Ok(Some(Box::new(ConfigObject {
            config: Config::new(),
            policy: DeserializePolicy::default(),
            _counted: Counted::new(Kind::Config),
        })))
    }

    fn wasm_config_delete(config: Option<Box<ConfigObject>>) {
        drop(config);
        Ok(())
    }

    fn wasmelt_config_set_opt_level(config: Option<&mut ConfigObject>, level: u8) -> bool {
        let level = choice(OptLevel::ALL, level, "optimisation level")?;
        given(config)?.config.opt_level(level);
        Ok(true)
    }

    fn wasmelt_config_set_bounds_checks(config: Option<&mut ConfigObject>, checks: u8) -> bool {
        let checks = choice(&BOUNDS, checks, "kind of bounds checks")?;
        given(config)?.config.bounds_checks(checks);
        Ok(true)
    }

    fn wasmelt_config_set_signals(config: Option<&mut ConfigObject>, enable: bool) -> bool {
        given(config)?.config.signals(enable);
        Ok(true)
    }

    fn wasmelt_config_set_interruption(config: Option<&mut ConfigObject>, enable: bool) -> bool {
        given(config)?.config.interruption(enable);
        Ok(true)
    }

    fn wasmelt_config_set_fuel(config: Option<&mut ConfigObject>, enable: bool) -> bool {
        given(config)?.config.consume_fuel(enable);
        Ok(true)
    }

    fn wasmelt_config_set_nan_canonicalization(config: Option<&mut ConfigObject>, enable: bool)
        -> bool
    {
        given(config)?.config.nan_canonicalization(enable);
        Ok(true)
    }

    fn wasmelt_config_set_spectre_mitigation(config: Option<&mut ConfigObject>, enable: bool)
        -> bool
    {
        given(config)?.config.spectre_mitigation(enable);
        Ok(true)
    }

    fn wasmelt_config_set_cpu_level(config: Option<&mut ConfigObject>, name: *const c_char) -> bool {
        // SAFETY: C passes a string or null.
        let name = unsafe { crate::text::text_of(name) }?;
        let level = CpuLevel::from_name(name)
            .ok_or_else(|| Failure::usage(format!("there is no CPU level {name:?}")))?;
        given(config)?.config.cpu(level);
        Ok(true)
    }

    fn wasmelt_config_set_preset(config: Option<&mut ConfigObject>, preset: u8) -> bool {
        let preset = choice(Preset::ALL, preset, "preset")?;
        given(config)?.config.preset(preset);
        Ok(true)
    }

    fn wasmelt_config_set_compile_threads(config: Option<&mut ConfigObject>, threads: usize) -> bool {
        given(config)?.config.compile_threads(threads);
        Ok(true)
    }

    fn wasmelt_config_set_max_stack(config: Option<&mut ConfigObject>, len_bytes: usize) -> bool {
        given(config)?.config.max_wasm_stack(len_bytes);
        Ok(true)
    }

    fn wasmelt_config_set_pool(
        config: Option<&mut ConfigObject>,
        max_memories: usize,
        keep_resident_bytes: usize,
    ) -> bool {
        let mut pool = PoolConfig::new();
        pool.max_memories(max_memories).keep_resident_bytes(keep_resident_bytes);
        given(config)?.config.pool(pool);
        Ok(true)
    }

    fn wasmelt_config_set_cache(config: Option<&mut ConfigObject>, folder: *const c_char, mode: u8)
        -> bool
    {
        let config = given(config)?;
        let mode = choice(&MODES, mode, "mode of a cache")?;
        // SAFETY: C passes a string or null.
        let folder = unsafe { path_of(folder) }?;
        config.config.cache(Cache::open_with(folder, mode).map_err(Failure::of)?);
        Ok(true)
    }

    fn wasmelt_config_trust_digest(config: Option<&mut ConfigObject>, digest: Option<&[u8; 32]>)
        -> bool
    {
        let digest = digest.ok_or_else(|| Failure::null("digest"))?;
        given(config)?.policy.digests.insert(*digest);
        Ok(true)
    }

    fn wasmelt_config_trust_own_artifacts(config: Option<&mut ConfigObject>, enable: bool) -> bool {
        given(config)?.policy.trusts_own = enable;
        Ok(true)
    }

    fn wasmelt_config_trust_any_bytes_unsafe(config: Option<&mut ConfigObject>, enable: bool) -> bool {
        given(config)?.policy.trusts_anything = enable;
        Ok(true)
    }
}
