//! A light client: it has no state of its own, so the runtime waits whenever it reads an item that has
//! not been fetched yet, and is resumed with the answer. Between two steps the client is free to wait for
//! the network, to check a proof, or to give up.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use wasmelt::{
    Caller, Config, Engine, Error, Linker, Module, Store, TypedResumableCall, Val,
    errors::HostError,
};

/// The runtime adds up the balances of the accounts 1 to n.
const RUNTIME: &str = r#"
    (module
        (import "state" "balance" (func $balance (param i32) (result i64)))
        (func (export "total_issuance") (param $account i32) (result i64)
            (local $sum i64)
            (loop $next
                (local.set $sum (i64.add (local.get $sum) (call $balance (local.get $account))))
                (local.set $account (i32.sub (local.get $account) (i32.const 1)))
                (br_if $next (local.get $account)))
            local.get $sum))
"#;

/// Fuel for one step, after which the client looks at its other work.
const FUEL_OF_A_STEP: u64 = 20;

/// What the client knows of the chain's state.
#[derive(Default)]
struct Known {
    balances: BTreeMap<i32, i64>,
}

/// The runtime needs an item that is not known yet.
#[derive(Debug)]
struct Missing {
    account: i32,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the balance of account {} is not known", self.account)
    }
}

impl HostError for Missing {}

fn balance(caller: Caller<'_, Known>, account: i32) -> Result<i64, Error> {
    let known = caller.data().balances.get(&account).copied();
    known.ok_or_else(|| Error::host(Missing { account }))
}

/// Stands for asking a full node, and for checking its proof.
fn fetch(account: i32) -> i64 {
    i64::from(account) * 1000
}

fn main() -> Result<()> {
    let mut config = Config::new();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, RUNTIME)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap("state", "balance", balance)?;
    let mut known = Known::default();
    // Some items are known from an earlier call.
    known.balances.extend([(2, 2000), (5, 5000)]);
    let mut store = Store::new(&engine, known);
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let total = instance.get_typed_func::<i32, i64>(&store, "total_issuance")?;

    store.set_fuel(FUEL_OF_A_STEP)?;
    let mut call = total.call_resumable(&mut store, 6)?;
    let mut pauses = 0;
    let total = loop {
        call = match call {
            TypedResumableCall::Finished(total) => break total,
            TypedResumableCall::HostTrap(waiting) => {
                let missing = waiting.host_error().downcast_ref::<Missing>();
                let account = missing.context("the host function failed")?.account;
                let balance = fetch(account);
                println!("fetched the balance of account {account}: {balance}");
                store.data_mut().balances.insert(account, balance);
                waiting.resume(&mut store, &[Val::I64(balance)])?
            }
            TypedResumableCall::OutOfFuel(waiting) => {
                pauses += 1;
                store.set_fuel(FUEL_OF_A_STEP.max(waiting.required_fuel()))?;
                waiting.resume(&mut store)?
            }
        };
    };
    println!("total issuance: {total}, with {pauses} pauses for other work");
    Ok(())
}
