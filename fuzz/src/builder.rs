//! Puts a module together: functions come with their type and body, indices follow by themselves.

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, GlobalSection, GlobalType, ImportSection,
    Instruction, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};

use crate::value::{Type, Value};

/// A module that grows. Imports must come before everything that is defined.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    types: Vec<(Vec<Type>, Option<Type>)>,
    imports: ImportSection,
    imported_functions: u32,
    imported_globals: u32,
    functions: FunctionSection,
    code: CodeSection,
    defined_functions: u32,
    table: Option<TableType>,
    elements: Vec<u32>,
    memory: Option<MemoryType>,
    has_memory: bool,
    data: Vec<(u32, Vec<u8>)>,
    globals: GlobalSection,
    defined_globals: u32,
    exports: ExportSection,
}

/// Code of a function whose locals are known in advance.
pub(crate) struct Body {
    function: Function,
}

impl Builder {
    /// The index of a function type, new or known.
    pub(crate) fn ty(&mut self, params: &[Type], result: Option<Type>) -> u32 {
        let ty = (params.to_vec(), result);
        let known = self.types.iter().position(|known| *known == ty);
        let index = known.unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len() - 1
        });
        index as u32
    }

    /// Adds a type even if it is there already: two equal types with different indices.
    pub(crate) fn repeat_type(&mut self, params: &[Type], result: Option<Type>) -> u32 {
        self.types.push((params.to_vec(), result));
        self.types.len() as u32 - 1
    }

    /// Imports a function.
    pub(crate) fn import_function(&mut self, name: &str, ty: u32) -> u32 {
        assert_eq!(self.defined_functions, 0, "imports come first");
        self.imports.import("host", name, EntityType::Function(ty));
        self.imported_functions += 1;
        self.imported_functions - 1
    }

    /// Imports a global.
    pub(crate) fn import_global(&mut self, name: &str, ty: Type, mutable: bool) -> u32 {
        assert_eq!(self.defined_globals, 0, "imports come first");
        let ty = GlobalType {
            val_type: ty.into(),
            mutable,
            shared: false,
        };
        self.imports.import("host", name, EntityType::Global(ty));
        self.imported_globals += 1;
        self.imported_globals - 1
    }

    /// Imports the table.
    pub(crate) fn import_table(&mut self, name: &str, len: u32) {
        self.imports
            .import("host", name, EntityType::Table(table_type(len)));
    }

    /// Imports the memory, and exports it as `memory`.
    pub(crate) fn import_memory(&mut self, name: &str, min_pages: u64, max_pages: u64) {
        self.imports.import(
            "host",
            name,
            EntityType::Memory(memory_type(min_pages, max_pages)),
        );
        self.export_memory();
    }

    /// Defines the table.
    pub(crate) fn table(&mut self, len: u32) {
        self.table = Some(table_type(len));
    }

    /// Functions to place in the table, from its beginning.
    pub(crate) fn elements(&mut self, functions: &[u32]) {
        self.elements = functions.to_vec();
    }

    /// Defines the memory, and exports it as `memory`.
    pub(crate) fn memory(&mut self, min_pages: u64, max_pages: u64) {
        self.memory = Some(memory_type(min_pages, max_pages));
        self.export_memory();
    }

    /// Bytes to place in the memory.
    pub(crate) fn data(&mut self, address: u32, bytes: Vec<u8>) {
        self.data.push((address, bytes));
    }

    /// Defines and exports a mutable global.
    pub(crate) fn global(&mut self, value: Value) -> u32 {
        let ty = GlobalType {
            val_type: value.ty().into(),
            mutable: true,
            shared: false,
        };
        self.globals.global(ty, &constant(value));
        let index = self.imported_globals + self.defined_globals;
        self.defined_globals += 1;
        self.exports
            .export(&format!("global {index}"), ExportKind::Global, index);
        index
    }

    /// The index that the next function will have.
    pub(crate) fn next_function(&self) -> u32 {
        self.imported_functions + self.defined_functions
    }

    /// Defines a function.
    pub(crate) fn function(&mut self, ty: u32, body: Body) -> u32 {
        let index = self.next_function();
        self.functions.function(ty);
        self.code.function(&body.finish());
        self.defined_functions += 1;
        index
    }

    /// Exports a function.
    pub(crate) fn export(&mut self, name: &str, function: u32) {
        self.exports.export(name, ExportKind::Func, function);
    }

    /// The module's bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = TypeSection::new();
        for (params, result) in &self.types {
            let val_types = |types: &[Type]| types.iter().map(|ty| ValType::from(*ty)).collect();
            let params: Vec<ValType> = val_types(params);
            let results: Vec<ValType> = val_types(result.as_slice());
            types.ty().function(params, results);
        }
        module.section(&types);
        module.section(&self.imports);
        module.section(&self.functions);
        if let Some(table) = self.table {
            module.section(TableSection::new().table(table));
        }
        if let Some(memory) = self.memory {
            module.section(MemorySection::new().memory(memory));
        }
        module.section(&self.globals);
        module.section(&self.exports);
        if !self.elements.is_empty() {
            let functions = Elements::Functions(self.elements.into());
            let mut section = ElementSection::new();
            module.section(section.active(None, &ConstExpr::i32_const(0), functions));
        }
        module.section(&self.code);
        let mut data = DataSection::new();
        for (address, bytes) in self.data {
            data.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes);
        }
        module.section(&data);
        module.finish()
    }

    fn export_memory(&mut self) {
        assert!(!self.has_memory, "the MVP has one memory");
        self.has_memory = true;
        self.exports.export("memory", ExportKind::Memory, 0);
    }
}

impl Body {
    /// Begins a body with these locals after the parameters.
    pub(crate) fn new(locals: &[Type]) -> Self {
        Self {
            function: Function::new_with_locals_types(locals.iter().map(|ty| (*ty).into())),
        }
    }

    /// Where to put instructions.
    pub(crate) fn code(&mut self) -> InstructionSink<'_> {
        self.function.instructions()
    }

    /// Adds an instruction that was chosen before.
    pub(crate) fn instruction(&mut self, instruction: &Instruction<'_>) {
        self.function.instruction(instruction);
    }

    /// Pushes a constant, with exactly these bits.
    pub(crate) fn constant(&mut self, value: Value) {
        let mut code = self.function.instructions();
        match value {
            Value::I32(bits) => code.i32_const(bits.cast_signed()),
            Value::I64(bits) => code.i64_const(bits.cast_signed()),
            Value::F32(bits) => code.f32_const(wasm_encoder::Ieee32::new(bits)),
            Value::F64(bits) => code.f64_const(wasm_encoder::Ieee64::new(bits)),
        };
    }

    /// Replaces a NaN on the stack by the canonical one, using `local` of type `ty`.
    pub(crate) fn canonical_nan(&mut self, ty: Type, local: u32) {
        let mut code = self.function.instructions();
        match ty {
            Type::F32 => {
                code.local_tee(local)
                    .f32_const(wasm_encoder::Ieee32::new(0x7fc0_0000));
                code.local_get(local).local_get(local).f32_eq().select();
            }
            Type::F64 => {
                code.local_tee(local)
                    .f64_const(wasm_encoder::Ieee64::new(0x7ff8_0000_0000_0000));
                code.local_get(local).local_get(local).f64_eq().select();
            }
            Type::I32 | Type::I64 => {}
        }
    }

    fn finish(mut self) -> Function {
        self.function.instructions().end();
        self.function
    }
}

/// An access at a static offset, with alignment 1 so that every address is allowed.
pub(crate) fn at(offset: u32) -> MemArg {
    MemArg {
        offset: offset.into(),
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

fn constant(value: Value) -> ConstExpr {
    match value {
        Value::I32(bits) => ConstExpr::i32_const(bits.cast_signed()),
        Value::I64(bits) => ConstExpr::i64_const(bits.cast_signed()),
        Value::F32(bits) => ConstExpr::f32_const(wasm_encoder::Ieee32::new(bits)),
        Value::F64(bits) => ConstExpr::f64_const(wasm_encoder::Ieee64::new(bits)),
    }
}

fn memory_type(min_pages: u64, max_pages: u64) -> MemoryType {
    MemoryType {
        minimum: min_pages,
        maximum: Some(max_pages),
        memory64: false,
        shared: false,
        page_size_log2: None,
    }
}

fn table_type(len: u32) -> TableType {
    TableType {
        element_type: RefType::FUNCREF,
        minimum: len.into(),
        maximum: Some(len.into()),
        table64: false,
        shared: false,
    }
}
