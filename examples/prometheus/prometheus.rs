//! Serves what wasmelt counts to Prometheus, at the address and with the cache that are named, until standard input ends.
//!
//! ```console
//! cargo run -p wasmelt-example-prometheus -- 127.0.0.1:9464 /tmp/cache
//! curl http://127.0.0.1:9464/metrics
//! ```

use std::{io::Read as _, net::SocketAddr};

use anyhow::{Context as _, Result};
use metrics_exporter_prometheus::PrometheusBuilder;
use wasmelt::{Cache, Config, Engine, Instance, Module, Store};

const MODULE: &str = r#"(module
    (func (export "divide") (param i32 i32) (result i32)
        (i32.div_s (local.get 0) (local.get 1))))"#;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:9464".to_owned())
        .parse()
        .context("give an address and a port, as 127.0.0.1:9464")?;
    // The recorder comes before the first engine.
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()?;

    let mut config = Config::new();
    if let Some(folder) = arguments.next() {
        config.cache(Cache::open(folder)?);
    }
    let engine = Engine::new(&config);
    for divisor in [2, 1, 0] {
        let module = Module::new(&engine, MODULE)?;
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[])?;
        let divide = instance.get_typed_func::<(i32, i32), i32>(&store, "divide")?;
        match divide.call(&mut store, (42, divisor)) {
            Ok(quotient) => println!("42 / {divisor} = {quotient}"),
            Err(error) => println!("42 / {divisor}: {error}"),
        }
    }
    if let Err(error) = Module::new(&engine, b"no module") {
        println!("refused: {error}");
    }
    println!("serving http://{address}/metrics");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
