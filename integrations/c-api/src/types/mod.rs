//! Types of values, externs, imports and exports, as objects that C owns.

pub(crate) mod convert;
pub(crate) mod export_type;
pub(crate) mod extern_type;
pub(crate) mod import_type;
pub(crate) mod val_type;

pub(crate) use export_type::ExportType;
pub(crate) use extern_type::{ExternType, Limits, Shape};
pub(crate) use import_type::ImportType;
pub(crate) use val_type::ValType;

/// What the standard declares for each kind of type.
macro_rules! declare_type {
    ($module:ident, $name:literal, $object:ty) => {
        pub(crate) mod $module {
            use super::*;
            use crate::export::export_as;
            use crate::vec::declare_vec;

            export_as! { EXPORTS;
                fn delete as (concat!("wasm_", $name, "_delete")) (object: Option<Box<$object>>) {
                    drop(object);
                    Ok(())
                }

                fn copy as (concat!("wasm_", $name, "_copy")) (object: Option<&$object>)
                    -> Option<Box<$object>>
                {
                    Ok(Some(Box::new(object.ok_or_else(|| Failure::null($name))?.clone())))
                }
            }

            declare_vec!(vec, $name, Option<Box<$object>>);
        }
    };
}

pub(crate) use declare_type;
