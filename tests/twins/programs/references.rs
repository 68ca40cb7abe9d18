//! References: to functions, and to things of the host, which modules of the first version cannot hold.

use super::Notes;
use wasmi::{
    Engine, ExternRef, Func, FuncType, Nullable, Ref, RefType, Store, Table, TableType, Val,
    ValType,
};

pub(crate) fn run(notes: &mut Notes) {
    let mut store = Store::new(&Engine::default(), ());
    let func = Func::wrap(&mut store, || 5_i32);
    let external = ExternRef::new(&mut store, String::from("host's"));
    notes.debug("data", external.data(&store).downcast_ref::<String>());
    notes.debug(
        "data as another type",
        external.data(&store).downcast_ref::<u32>(),
    );
    let references: [(&str, Ref); 4] = [
        ("func", Ref::from(Nullable::Val(func))),
        ("null func", Ref::null(RefType::Func)),
        ("extern", Ref::from(Nullable::Val(external))),
        ("null extern", Ref::default_for_ty(RefType::Extern)),
    ];
    for (name, reference) in &references {
        let kinds = (
            reference.is_func(),
            reference.is_extern(),
            reference.is_null(),
            reference.is_non_null(),
        );
        notes.debug(*name, (reference.ty(), kinds));
        let parts = (
            reference.as_func().map(|f| f.is_null()),
            reference.as_extern().map(|e| e.is_null()),
        );
        notes.debug(format!("{name}: parts"), parts);
        let val = Val::from(*reference);
        notes.debug(
            format!("{name}: value"),
            (val.ty(), val.funcref().is_some(), val.externref().is_some()),
        );
    }
    notes.panics("unwrap an extern as func", || {
        references[2].1.unwrap_func().is_null()
    });
    let nullable: Nullable<i32> = Nullable::default();
    notes.debug(
        "nullable",
        (
            nullable,
            Nullable::from(4),
            Option::<i32>::from(Nullable::Val(4)),
            nullable.is_null(),
            nullable.val(),
        ),
    );
    let ty = FuncType::new(
        [ValType::ExternRef, ValType::FuncRef],
        [ValType::FuncRef, ValType::ExternRef],
    );
    let swap = Func::new(&mut store, ty, |_, params: &[Val], results: &mut [Val]| {
        results[0] = params[1].clone();
        results[1] = params[0].clone();
        Ok(())
    });
    let mut results = [Val::I32(0), Val::I32(0)];
    let params = [Val::from(external), Val::from(func)];
    notes.outcome(
        "host function",
        swap.call(&mut store, &params, &mut results),
    );
    let is_back = (
        results[0].funcref().is_some_and(|f| !f.is_null()),
        results[1].externref().is_some_and(|e| !e.is_null()),
    );
    notes.debug("host function: results", is_back);
    notes.outcome(
        "host function: wrong reference",
        swap.call(
            &mut store,
            &[params[1].clone(), params[0].clone()],
            &mut results,
        ),
    );
    let table = Table::new(
        &mut store,
        TableType::new(RefType::Extern, 1, None),
        Ref::null(RefType::Extern),
    );
    notes.outcome("table of externs", table.map(|table| table.size(&store)));
}
