//! Exports what wasmelt does with a module as spans of OpenTelemetry, one line each.
//!
//! The exporter prints. In its place a host puts that of its collector, for example `opentelemetry-otlp`'s.

use std::{sync::Mutex, time::Duration};

use anyhow::Result;
use opentelemetry::{SpanId, trace::TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};
use wasmelt::{Engine, Instance, Module, Store};

/// Prints each batch of spans: name, id, parent, attributes, and events.
#[derive(Debug, Default)]
struct PrintExporter {
    /// Spans that end at the same time do not mix their lines.
    turn: Mutex<()>,
}

impl SpanExporter for PrintExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let _turn = self.turn.lock();
        for span in batch {
            let parent = if span.parent_span_id == SpanId::INVALID {
                "-".to_owned()
            } else {
                span.parent_span_id.to_string()
            };
            print!("{} {} {parent}", span.name, span.span_context.span_id());
            print_attributes(&span.attributes);
            println!();
            for event in span.events.iter() {
                print!("  event {}", event.name);
                print_attributes(&event.attributes);
                println!();
            }
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn print_attributes(attributes: &[opentelemetry::KeyValue]) {
    for attribute in attributes {
        print!(" {}={}", attribute.key, attribute.value);
    }
}

fn main() -> Result<()> {
    // Each span is exported when it ends; a server has a batch exporter instead.
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(PrintExporter::default())
        .build();
    // `TRACE` has a span for each call; `DEBUG` has all the others, and traps.
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("wasmelt-example"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(Targets::new().with_targets([
            ("wasmelt", LevelFilter::TRACE),
            ("opentelemetry", LevelFilter::DEBUG),
        ]));
    tracing_subscriber::registry().with(layer).init();

    handle_request()?;
    provider.shutdown()?;
    Ok(())
}

/// What a host does for one request; its own span is the root of all others.
fn handle_request() -> Result<()> {
    let _request = tracing::info_span!("request").entered();
    let engine = Engine::default();
    let module = Module::new(&engine, include_str!("../primes.wat"))?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let count = instance.get_typed_func::<i32, i32>(&store, "count_primes")?;
    count.call(&mut store, 1000)?;
    // This sieve would need more memory than the module has.
    let trap = count.call(&mut store, i32::MAX);
    anyhow::ensure!(trap.is_err(), "a sieve of 2 GiB fits in memory");
    Ok(())
}
