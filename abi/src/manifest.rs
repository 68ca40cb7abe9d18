//! Describes a module inside its artifact: what it imports, exports, defines and initialises.
//!
//! The stored form is the fields of [`Manifest`] in their order, each sequence with a `u32` count
//! before it, numbers little-endian, strings and byte strings with a `u32` length. All index
//! spaces are those of the module as compiled (after a preset's treatment of it).

use crate::{
    bytes::{DecodeError, Reader, Writer},
    fuel_costs::FuelSchedule,
    types::{ExternKind, FuncType, GlobalType, Limits, ValType},
};
use alloc::{string::String, vec::Vec};

/// An import: names and type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Module name.
    pub module: String,
    /// Field name.
    pub name: String,
    /// What is imported.
    pub kind: ExternKind,
    /// For a function its type index, for a global its position among imported globals; else 0.
    pub index: u32,
}

/// An export: name, kind, and index in that kind's index space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Name.
    pub name: String,
    /// What is exported.
    pub kind: ExternKind,
    /// Index in its space, imports first.
    pub index: u32,
}

/// The module's linear memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Size in wasm pages.
    pub limits: Limits,
    /// Whether it is imported.
    pub imported: bool,
}

/// The module's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Size in elements.
    pub limits: Limits,
    /// Whether it is imported.
    pub imported: bool,
    /// Whether it is exported. A table that is neither imported nor exported is *private*: its
    /// entries hold local signature ids.
    pub exported: bool,
}

impl Table {
    /// Whether no other instance and no host can reach it.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        !self.imported && !self.exported
    }
}

/// A constant initialiser (core specification 1.0, section 3.3.7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConstExpr {
    /// The bits of a constant; 32-bit types use the low half.
    Bits(u64),
    /// The value of an imported global.
    Global(u32),
}

/// A global: type, and initialiser when it is defined here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Global {
    /// Type.
    pub ty: GlobalType,
    /// Initial value; `None` for an imported global.
    pub init: Option<ConstExpr>,
}

/// An active data segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataSegment {
    /// Where in memory it goes.
    pub offset: ConstExpr,
    /// Whether its bytes are in the memory image rather than in the data section.
    pub in_image: bool,
    /// Where its bytes start, in the memory image or the data section.
    pub start: u64,
    /// How many bytes it has.
    pub len_bytes: u64,
}

/// An active element segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementSegment {
    /// Where in the table it goes.
    pub offset: ConstExpr,
    /// Function indices.
    pub funcs: Vec<u32>,
}

/// A custom section of the module, kept for hosts that read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomSection {
    /// Name.
    pub name: String,
    /// Content.
    pub data: Vec<u8>,
}

/// What the memory image covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageInfo {
    /// Memory offset of the image's first byte, a multiple of the segment alignment.
    pub memory_offset: u64,
    /// Length in bytes, a multiple of the segment alignment.
    pub len_bytes: u64,
}

/// Description of a module inside its artifact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// Versions of the crates that decide output bytes, as `name version` lines.
    pub dependencies: Vec<String>,
    /// Name of the module from its name section.
    pub name: Option<String>,
    /// Function types, as in the type section.
    pub types: Vec<FuncType>,
    /// For each type index, the first type index with an equal type: the *local signature id*.
    pub local_signature_ids: Vec<u32>,
    /// Imports in their order.
    pub imports: Vec<Import>,
    /// Type index of every function, imports first.
    pub functions: Vec<u32>,
    /// How many of them are imported.
    pub imported_function_count: u32,
    /// The table, if there is one.
    pub table: Option<Table>,
    /// The memory, if there is one.
    pub memory: Option<Memory>,
    /// Every global, imports first.
    pub globals: Vec<Global>,
    /// Exports in their order.
    pub exports: Vec<Export>,
    /// Index of the start function.
    pub start: Option<u32>,
    /// Element segments in their order.
    pub elements: Vec<ElementSegment>,
    /// Data segments in their order.
    pub data: Vec<DataSegment>,
    /// What the memory image covers, if there is one.
    pub image: Option<ImageInfo>,
    /// Custom sections in their order, without names and debug information.
    pub custom_sections: Vec<CustomSection>,
    /// Number of functions that the governor compiled without optimisation.
    pub downgraded_function_count: u32,
    /// Whether any function compares, computes or converts floats, so that it matters how the
    /// processor is set to do that.
    pub computes_floats: bool,
    /// Where fuel is metered: by which schedule, and with which costs.
    pub fuel_schedule: Option<FuelSchedule>,
}

impl Manifest {
    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let w = &mut writer;
        put_sequence(w, &self.dependencies, |w, text| w.bytes(text.as_bytes()));
        put_option(w, self.name.as_ref(), |w, text| w.bytes(text.as_bytes()));
        put_sequence(w, &self.types, put_func_type);
        put_sequence(w, &self.local_signature_ids, |w, id| w.u32(*id));
        put_sequence(w, &self.imports, |w, import| {
            w.bytes(import.module.as_bytes());
            w.bytes(import.name.as_bytes());
            w.u8(import.kind as u8);
            w.u32(import.index);
        });
        put_sequence(w, &self.functions, |w, ty| w.u32(*ty));
        w.u32(self.imported_function_count);
        put_option(w, self.table.as_ref(), |w, table| {
            put_limits(w, table.limits);
            put_bool(w, table.imported);
            put_bool(w, table.exported);
        });
        put_option(w, self.memory.as_ref(), |w, memory| {
            put_limits(w, memory.limits);
            put_bool(w, memory.imported);
        });
        put_sequence(w, &self.globals, |w, global| {
            w.u8(global.ty.content as u8);
            put_bool(w, global.ty.mutable);
            put_option(w, global.init.as_ref(), |w, init| put_const_expr(w, *init));
        });
        put_sequence(w, &self.exports, |w, export| {
            w.bytes(export.name.as_bytes());
            w.u8(export.kind as u8);
            w.u32(export.index);
        });
        put_option(w, self.start.as_ref(), |w, start| w.u32(*start));
        put_sequence(w, &self.elements, |w, segment| {
            put_const_expr(w, segment.offset);
            put_sequence(w, &segment.funcs, |w, func| w.u32(*func));
        });
        put_sequence(w, &self.data, |w, segment| {
            put_const_expr(w, segment.offset);
            put_bool(w, segment.in_image);
            w.u64(segment.start);
            w.u64(segment.len_bytes);
        });
        put_option(w, self.image.as_ref(), |w, image| {
            w.u64(image.memory_offset);
            w.u64(image.len_bytes);
        });
        put_sequence(w, &self.custom_sections, |w, section| {
            w.bytes(section.name.as_bytes());
            w.bytes(&section.data);
        });
        w.u32(self.downgraded_function_count);
        put_bool(w, self.computes_floats);
        put_option(w, self.fuel_schedule.as_ref(), |w, schedule| {
            w.u32(schedule.version);
            w.raw(&schedule.costs_hash);
        });
        writer.finish()
    }

    /// Reads what [`Manifest::encode`] wrote. Indices are *not* checked against each other here;
    /// the loader does that.
    ///
    /// # Errors
    ///
    /// If a count exceeds what follows, a number is unknown, text is not UTF-8, or bytes are left.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let r = &mut reader;
        let manifest = Self {
            dependencies: take_sequence(r, 4, Reader::string)?,
            name: take_option(r, Reader::string)?,
            types: take_sequence(r, 8, take_func_type)?,
            local_signature_ids: take_sequence(r, 4, Reader::u32)?,
            imports: take_sequence(r, 13, |r| {
                Ok(Import {
                    module: r.string()?,
                    name: r.string()?,
                    kind: take_kind(r)?,
                    index: r.u32()?,
                })
            })?,
            functions: take_sequence(r, 4, Reader::u32)?,
            imported_function_count: r.u32()?,
            table: take_option(r, |r| {
                Ok(Table {
                    limits: take_limits(r)?,
                    imported: take_bool(r)?,
                    exported: take_bool(r)?,
                })
            })?,
            memory: take_option(r, |r| {
                Ok(Memory {
                    limits: take_limits(r)?,
                    imported: take_bool(r)?,
                })
            })?,
            globals: take_sequence(r, 3, |r| {
                let ty = GlobalType {
                    content: take_val_type(r)?,
                    mutable: take_bool(r)?,
                };
                Ok(Global {
                    ty,
                    init: take_option(r, take_const_expr)?,
                })
            })?,
            exports: take_sequence(r, 9, |r| {
                Ok(Export {
                    name: r.string()?,
                    kind: take_kind(r)?,
                    index: r.u32()?,
                })
            })?,
            start: take_option(r, Reader::u32)?,
            elements: take_sequence(r, 9, |r| {
                Ok(ElementSegment {
                    offset: take_const_expr(r)?,
                    funcs: take_sequence(r, 4, Reader::u32)?,
                })
            })?,
            data: take_sequence(r, 22, |r| {
                Ok(DataSegment {
                    offset: take_const_expr(r)?,
                    in_image: take_bool(r)?,
                    start: r.u64()?,
                    len_bytes: r.u64()?,
                })
            })?,
            image: take_option(r, |r| {
                Ok(ImageInfo {
                    memory_offset: r.u64()?,
                    len_bytes: r.u64()?,
                })
            })?,
            custom_sections: take_sequence(r, 8, |r| {
                Ok(CustomSection {
                    name: r.string()?,
                    data: r.bytes()?.to_vec(),
                })
            })?,
            downgraded_function_count: r.u32()?,
            computes_floats: take_bool(r)?,
            fuel_schedule: take_option(r, |r| {
                Ok(FuelSchedule {
                    version: r.u32()?,
                    costs_hash: take_hash(r)?,
                })
            })?,
        };
        if !reader.is_at_end() {
            return Err(reader.error("end of manifest"));
        }
        Ok(manifest)
    }
}

type Decoded<T> = Result<T, DecodeError>;

fn put_sequence<T>(writer: &mut Writer, items: &[T], mut put: impl FnMut(&mut Writer, &T)) {
    writer.count(items.len());
    for item in items {
        put(writer, item);
    }
}

fn take_sequence<'a, T>(
    reader: &mut Reader<'a>,
    min_record_len_bytes: usize,
    mut take: impl FnMut(&mut Reader<'a>) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let count = reader.count(min_record_len_bytes)?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(take(reader)?);
    }
    Ok(items)
}

fn put_option<T>(writer: &mut Writer, item: Option<&T>, put: impl FnOnce(&mut Writer, &T)) {
    put_bool(writer, item.is_some());
    if let Some(item) = item {
        put(writer, item);
    }
}

fn take_option<'a, T>(
    reader: &mut Reader<'a>,
    take: impl FnOnce(&mut Reader<'a>) -> Decoded<T>,
) -> Decoded<Option<T>> {
    if take_bool(reader)? {
        take(reader).map(Some)
    } else {
        Ok(None)
    }
}

fn put_bool(writer: &mut Writer, value: bool) {
    writer.u8(u8::from(value));
}

fn take_bool(reader: &mut Reader<'_>) -> Decoded<bool> {
    let error = reader.error("flag");
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(error),
    }
}

fn take_hash(reader: &mut Reader<'_>) -> Decoded<[u8; 32]> {
    let mut hash = [0; 32];
    hash.copy_from_slice(reader.take(32)?);
    Ok(hash)
}

fn put_func_type(writer: &mut Writer, ty: &FuncType) {
    put_sequence(writer, &ty.params, |w, ty| w.u8(*ty as u8));
    put_sequence(writer, &ty.results, |w, ty| w.u8(*ty as u8));
}

fn take_func_type(reader: &mut Reader<'_>) -> Decoded<FuncType> {
    Ok(FuncType {
        params: take_sequence(reader, 1, take_val_type)?,
        results: take_sequence(reader, 1, take_val_type)?,
    })
}

fn take_val_type(reader: &mut Reader<'_>) -> Decoded<ValType> {
    let error = reader.error("value type");
    ValType::from_number(reader.u8()?).ok_or(error)
}

fn take_kind(reader: &mut Reader<'_>) -> Decoded<ExternKind> {
    let error = reader.error("extern kind");
    ExternKind::from_number(reader.u8()?).ok_or(error)
}

fn put_limits(writer: &mut Writer, limits: Limits) {
    writer.u32(limits.min);
    put_option(writer, limits.max.as_ref(), |w, max| w.u32(*max));
}

fn take_limits(reader: &mut Reader<'_>) -> Decoded<Limits> {
    Ok(Limits {
        min: reader.u32()?,
        max: take_option(reader, Reader::u32)?,
    })
}

fn put_const_expr(writer: &mut Writer, expr: ConstExpr) {
    match expr {
        ConstExpr::Bits(bits) => {
            writer.u8(0);
            writer.u64(bits);
        }
        ConstExpr::Global(index) => {
            writer.u8(1);
            writer.u32(index);
        }
    }
}

fn take_const_expr(reader: &mut Reader<'_>) -> Decoded<ConstExpr> {
    let error = reader.error("constant expression");
    match reader.u8()? {
        0 => Ok(ConstExpr::Bits(reader.u64()?)),
        1 => Ok(ConstExpr::Global(reader.u32()?)),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        ConstExpr, CustomSection, DataSegment, ElementSegment, Export, Global, ImageInfo, Import,
        Manifest, Memory, Table,
    };
    use crate::fuel_costs::FuelSchedule;
    use crate::types::{ExternKind, FuncType, GlobalType, Limits, ValType};

    fn example() -> Manifest {
        Manifest {
            dependencies: ["cranelift-codegen 0".into()].into(),
            name: Some("m".into()),
            types: [FuncType {
                params: [ValType::I32, ValType::F64].into(),
                results: [].into(),
            }]
            .into(),
            local_signature_ids: [0].into(),
            imports: [Import {
                module: "env".into(),
                name: "f".into(),
                kind: ExternKind::Func,
                index: 0,
            }]
            .into(),
            functions: [0, 0].into(),
            imported_function_count: 1,
            table: Some(Table {
                limits: Limits {
                    min: 1,
                    max: Some(2),
                },
                imported: false,
                exported: true,
            }),
            memory: Some(Memory {
                limits: Limits { min: 1, max: None },
                imported: false,
            }),
            globals: [Global {
                ty: GlobalType {
                    content: ValType::I64,
                    mutable: true,
                },
                init: Some(ConstExpr::Bits(u64::MAX)),
            }]
            .into(),
            exports: [Export {
                name: "e".into(),
                kind: ExternKind::Table,
                index: 0,
            }]
            .into(),
            start: Some(1),
            elements: [ElementSegment {
                offset: ConstExpr::Global(0),
                funcs: [0, 1].into(),
            }]
            .into(),
            data: [DataSegment {
                offset: ConstExpr::Bits(8),
                in_image: true,
                start: 8,
                len_bytes: 3,
            }]
            .into(),
            image: Some(ImageInfo {
                memory_offset: 0,
                len_bytes: 4096,
            }),
            custom_sections: [CustomSection {
                name: "c".into(),
                data: [1, 2].into(),
            }]
            .into(),
            downgraded_function_count: 0,
            computes_floats: true,
            fuel_schedule: Some(FuelSchedule {
                version: 7,
                costs_hash: [5; 32],
            }),
        }
    }

    #[test]
    fn a_manifest_survives_a_round_trip() {
        let bytes = example().encode();
        assert_eq!(Manifest::decode(&bytes), Ok(example()));
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = example().encode();
        for len_bytes in 0..bytes.len() {
            assert!(
                Manifest::decode(&bytes[..len_bytes]).is_err(),
                "{len_bytes} bytes"
            );
        }
    }
}
