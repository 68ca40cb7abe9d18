//! Counts fuel in wasm itself, to compare with what compiled code is charged, and with where it stops.
//!
//! This is the schedule of `docs/fuel.md` a second time, from its text: every segment of a body adds its cost to a
//! global when it is entered, and where the schedule has a check, more than there is traps.

use std::collections::BTreeMap;

use wasm_encoder::Encode;
use wasmelt::OperatorCost;
use wasmparser::{BinaryReaderError, ExternalKind, Operator, Parser, Payload, TypeRef};

use crate::rewrite::{rewrite_bodies, rotate_select_conditions};

/// What is shown as a global of a metered module: how much fuel was charged of what there is.
pub const FUEL_USED: &str = "fuel used";
/// Name of the exported global of what there is.
pub(crate) const FUEL_LIMIT: &str = "fuel limit";
/// Name of the exported global that is 1 after a check that failed, which then traps by `unreachable`.
pub(crate) const OUT_OF_FUEL: &str = "fuel out";
/// Name under which the start function is exported, instead of being one: the host asks the globals when it traps.
pub(crate) const START: &str = "fuel start";

/// Section ids, in the order in which they must come.
const GLOBAL: u8 = 6;
const EXPORT: u8 = 7;
const START_SECTION: u8 = 8;
const TYPE_I32: u8 = 0x7f;
const TYPE_I64: u8 = 0x7e;
const MUTABLE: u8 = 1;
const END: u8 = 0x0b;
const EXPORT_FUNCTION: u8 = 0;
const EXPORT_GLOBAL: u8 = 3;

/// What a check may have charged and still be left to the function that is called.
const MAX_LEFT_TO_CALLEE: u32 = 100;

/// Makes a module that behaves as `wasm` does with the fuel that an exported global says, and counts it; then does
/// what [`rotate_select_conditions`] does, which costs nothing.
pub(crate) fn count_fuel(wasm: &[u8], costs: &OperatorCost) -> Result<Vec<u8>, BinaryReaderError> {
    let outline = Outline::read(wasm)?;
    let costs: BTreeMap<&str, u32> = OPERATORS
        .iter()
        .filter_map(|name| Some((*name, costs.get(name)?.into())))
        .collect();
    let counted = rewrite_bodies(wasm, |body, _| {
        let range = body.range();
        let MeteredBody { segments, places } = outline.read_body(body, &costs)?;
        let mut code = Vec::with_capacity(2 * range.len());
        let mut from = range.start;
        for (at, what) in places {
            code.extend_from_slice(&wasm[from..at]);
            from = at;
            match what {
                Insert::Charge(segment) => outline.charge(segments[segment], &mut code),
                Insert::Check => outline.check(&mut code),
            }
        }
        code.extend_from_slice(&wasm[from..range.end]);
        Ok(code)
    })?;
    rotate_select_conditions(&outline.add_globals(&counted)?)
}

/// What is put in front of an operator.
enum Insert {
    /// Adds the cost of this segment.
    Charge(usize),
    /// Traps if more was charged than there is.
    Check,
}

/// What the schedule says of a body.
struct MeteredBody {
    /// Costs of its segments.
    segments: Vec<u32>,
    /// Where they are charged and checked, in order.
    places: Vec<(usize, Insert)>,
}

/// What the schedule has to know of a module.
#[derive(Default)]
struct Outline {
    imported_functions: u32,
    globals: u32,
    start: Option<u32>,
    /// Whether an entry of the table may be a function of another module.
    is_table_open: bool,
}

impl Outline {
    fn read(wasm: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Func(_) => outline.imported_functions += 1,
                            TypeRef::Global(_) => outline.globals += 1,
                            TypeRef::Table(_) => outline.is_table_open = true,
                            _ => {}
                        }
                    }
                }
                Payload::GlobalSection(section) => outline.globals += section.count(),
                Payload::ExportSection(section) => {
                    for export in section {
                        outline.is_table_open |= export?.kind == ExternalKind::Table;
                    }
                }
                Payload::StartSection { func, .. } => outline.start = Some(func),
                Payload::ElementSection(section) => {
                    for element in section {
                        if let wasmparser::ElementItems::Functions(functions) = element?.items {
                            for function in functions {
                                outline.is_table_open |= function? < outline.imported_functions;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn read_body(
        &self,
        body: &wasmparser::FunctionBody<'_>,
        costs: &BTreeMap<&str, u32>,
    ) -> Result<MeteredBody, BinaryReaderError> {
        let mut reader = body.get_operators_reader()?;
        let mut segments = vec![0];
        let mut places = vec![(reader.original_position(), Insert::Charge(0))];
        // Segments of which the check was left to later.
        let mut owed = vec![0];
        while !reader.eof() {
            let (operator, at) = reader.read_with_offset()?;
            let name = operator_name(&operator);
            let last = segments.len() - 1;
            segments[last] += costs.get(name).copied().unwrap_or_default();
            let is_checked = match operator {
                Operator::Call { function_index } => {
                    let charged: u32 = owed.iter().map(|segment| segments[*segment]).sum();
                    let is_outside = function_index < self.imported_functions;
                    let is_checked = is_outside || charged > MAX_LEFT_TO_CALLEE;
                    owed.clear();
                    is_checked
                }
                Operator::CallIndirect { .. } => self.is_table_open || !owed.is_empty(),
                _ => !owed.is_empty() && !only_computes(name),
            };
            if is_checked {
                places.push((at, Insert::Check));
                owed.clear();
            }
            if ends_segment(&operator) {
                segments.push(0);
                places.push((reader.original_position(), Insert::Charge(last + 1)));
            }
            if let Operator::Loop { .. } = operator {
                owed.push(last + 1);
            }
        }
        Ok(MeteredBody { segments, places })
    }

    fn charge(&self, cost: u32, code: &mut Vec<u8>) {
        if cost == 0 {
            return;
        }
        code.push(0x23); // global.get
        self.used().encode(code);
        code.push(0x42); // i64.const
        i64::from(cost).encode(code);
        code.extend([0x7c, 0x24]); // i64.add, global.set
        self.used().encode(code);
    }

    fn check(&self, code: &mut Vec<u8>) {
        code.push(0x23); // global.get
        self.used().encode(code);
        code.push(0x23); // global.get
        self.limit().encode(code);
        code.extend([0x56, 0x04, 0x40, 0x41, 1, 0x24]); // i64.gt_u, if, i32.const 1, global.set
        self.out().encode(code);
        code.extend([0x00, END]); // unreachable
    }

    fn used(&self) -> u32 {
        self.globals
    }

    fn limit(&self) -> u32 {
        self.globals + 1
    }

    fn out(&self) -> u32 {
        self.globals + 2
    }

    /// Adds these globals and their exports behind those that there are, and exports the start function instead of
    /// starting it.
    fn add_globals(&self, wasm: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
        let globals = [
            [TYPE_I64, MUTABLE, 0x42, 0, END],
            // −1: all there can be.
            [TYPE_I64, MUTABLE, 0x42, 0x7f, END],
            [TYPE_I32, MUTABLE, 0x41, 0, END],
        ];
        let mut exports = Vec::new();
        for (name, kind, index) in [
            (FUEL_USED, EXPORT_GLOBAL, Some(self.used())),
            (FUEL_LIMIT, EXPORT_GLOBAL, Some(self.limit())),
            (OUT_OF_FUEL, EXPORT_GLOBAL, Some(self.out())),
            (START, EXPORT_FUNCTION, self.start),
        ] {
            let Some(index) = index else { continue };
            name.encode(&mut exports);
            exports.push(kind);
            index.encode(&mut exports);
        }
        let export_count = 3 + u32::from(self.start.is_some());
        let mut added = [
            (GLOBAL, 3, globals.concat()),
            (EXPORT, export_count, exports),
        ]
        .into_iter()
        .peekable();

        let mut output = wasm[..8].to_vec();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            let is_end = matches!(payload, Payload::End(_));
            let section = payload.as_section();
            if section.is_none() && !is_end {
                continue;
            }
            let id = section.as_ref().map_or(u8::MAX, |(id, _)| *id);
            while let Some((new, count, entries)) = added.next_if(|(new, ..)| id != 0 && *new < id)
            {
                push_section(&mut output, new, count, &entries);
            }
            let Some((id, range)) = section.filter(|(id, _)| *id != START_SECTION) else {
                continue;
            };
            match added.next_if(|(new, ..)| *new == id) {
                Some((_, more, entries)) => {
                    let mut reader = wasmparser::BinaryReader::new(&wasm[range.clone()], 0);
                    let count = reader.read_var_u32()?;
                    let old = &wasm[range.start + reader.original_position()..range.end];
                    push_section(&mut output, id, count + more, &[old, &entries].concat());
                }
                None => {
                    output.push(id);
                    wasm[range].encode(&mut output);
                }
            }
        }
        Ok(output)
    }
}

fn push_section(output: &mut Vec<u8>, id: u8, count: u32, entries: &[u8]) {
    let mut content = Vec::new();
    count.encode(&mut content);
    content.extend_from_slice(entries);
    output.push(id);
    content.as_slice().encode(output);
}

macro_rules! define_names {
    ($( @$proposal:ident $op:ident $({ $($arg:ident: $ty:ty),* })? => $visit:ident ($($ann:tt)*) )*) => {
        /// Names of the operators, as in the text format but for `_`.
        const OPERATORS: &[&str] = &[ $( strip_visit(stringify!($visit)), )* ];

        fn operator_name(operator: &Operator<'_>) -> &'static str {
            match operator {
                $( Operator::$op { .. } => strip_visit(stringify!($visit)), )*
                _ => "",
            }
        }
    };
}
wasmparser::for_each_visit_operator!(define_names);

const fn strip_visit(name: &'static str) -> &'static str {
    name.split_at("visit_".len()).1
}

fn ends_segment(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Loop { .. }
            | O::If { .. }
            | O::Else
            | O::End
            | O::BrIf { .. }
            | O::Call { .. }
            | O::CallIndirect { .. }
            | O::Br { .. }
            | O::BrTable { .. }
            | O::Return
            | O::Unreachable
    )
}

/// Whether an operator neither branches, nor calls, traps or writes.
fn only_computes(name: &str) -> bool {
    let is_numeric = ["i32_", "i64_", "f32_", "f64_"]
        .iter()
        .any(|ty| name.starts_with(ty));
    if !is_numeric {
        return matches!(
            name,
            "nop" | "block" | "loop" | "drop" | "select" | "global_get" | "memory_size"
        ) || name.starts_with("local_");
    }
    let may_trap = ["_load", "_store"].iter().any(|part| name.contains(part))
        || name.starts_with('i')
            && ["_div_", "_rem_", "_trunc_f"]
                .iter()
                .any(|part| name.contains(part));
    !may_trap
}

#[cfg(test)]
mod tests {
    use super::{FUEL_USED, count_fuel};
    use crate::generators::GENERATORS;
    use wasmelt::OperatorCost;
    use wasmparser::{ExternalKind, Parser, Payload, Validator};

    #[test]
    fn counted_modules_are_valid_and_show_the_counter() {
        for generator in GENERATORS {
            let wasm = generator.generate(1).wasm;
            let wasm = count_fuel(&wasm, &OperatorCost::default()).expect("valid");
            Validator::new().validate_all(&wasm).expect("valid");
            let is_shown = Parser::new(0).parse_all(&wasm).any(|payload| {
                let Ok(Payload::ExportSection(section)) = payload else {
                    return false;
                };
                section.into_iter().any(|export| {
                    export.is_ok_and(|export| {
                        export.name == FUEL_USED && export.kind == ExternalKind::Global
                    })
                })
            });
            assert!(is_shown, "{}", generator.name);
        }
    }
}
