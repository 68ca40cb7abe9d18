//! The layer's trait of functions.

use anyhow::Result;
use smallvec::SmallVec;
use wasm_runtime_layer::{
    FuncType,
    backend::{AsContext, AsContextMut, Val, WasmFunc},
};

use crate::{
    Engine, Func, StoreContextMut,
    convert::{func_type_from_layer, func_type_to_layer, val_from_layer, val_to_layer},
    error::{into_guest, out_of_guest},
};

/// Values of a call: few, as a rule, and then without an allocation.
type Values<T> = SmallVec<[T; 4]>;

impl WasmFunc<Engine> for Func {
    fn new<T: 'static>(
        mut ctx: impl AsContextMut<Engine, UserState = T>,
        ty: FuncType,
        func: impl 'static
        + Send
        + Sync
        + Fn(StoreContextMut<'_, T>, &[Val<Engine>], &mut [Val<Engine>]) -> Result<()>,
    ) -> Self {
        Self(wasmelt::Func::new(
            ctx.as_context_mut().0,
            func_type_from_layer(&ty),
            move |mut caller, params, results| {
                let params: Values<_> = params.iter().cloned().map(val_to_layer).collect();
                let mut outputs: Values<_> = results.iter().cloned().map(val_to_layer).collect();
                let ctx = StoreContextMut(wasmelt::AsContextMut::as_context_mut(&mut caller));
                func(ctx, &params, &mut outputs).map_err(into_guest)?;
                for (result, output) in results.iter_mut().zip(&outputs) {
                    *result = val_from_layer(output);
                }
                Ok(())
            },
        ))
    }

    fn ty(&self, ctx: impl AsContext<Engine>) -> FuncType {
        func_type_to_layer(&self.0.ty(ctx.as_context().0))
    }

    fn call<T>(
        &self,
        mut ctx: impl AsContextMut<Engine>,
        args: &[Val<Engine>],
        results: &mut [Val<Engine>],
    ) -> Result<()> {
        let inputs: Values<_> = args.iter().map(val_from_layer).collect();
        let mut outputs: Values<_> = results.iter().map(val_from_layer).collect();
        self.0
            .call(ctx.as_context_mut().0, &inputs, &mut outputs)
            .map_err(out_of_guest)?;
        for (result, output) in results.iter_mut().zip(outputs) {
            *result = val_to_layer(output);
        }
        Ok(())
    }
}
