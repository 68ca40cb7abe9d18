//! Types of functions, globals, memories, tables and externs.

use crate::{
    errors::{FuncError, MemoryError},
    reference::RefType,
    value::{Val, ValType},
};
use core::fmt;
use std::sync::Arc;
use wasmelt_abi::{MEMORY_MAX_PAGES, WASM_PAGE_SIZE};

/// The type of a function. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncType {
    len_params: usize,
    /// Parameters, then results.
    types: Arc<[ValType]>,
}

impl FuncType {
    /// Most parameters, and most results, that a function can have.
    const MAX_LEN: usize = 1_000;

    /// A function type.
    ///
    /// # Panics
    ///
    /// If there are more than 1 000 parameters or results.
    pub fn new<P, R>(params: P, results: R) -> Self
    where
        P: IntoIterator,
        R: IntoIterator,
        P::IntoIter: Iterator<Item = ValType> + ExactSizeIterator,
        R::IntoIter: Iterator<Item = ValType> + ExactSizeIterator,
    {
        let (params, results) = (params.into_iter(), results.into_iter());
        let len_params = params.len();
        assert!(
            len_params <= Self::MAX_LEN && results.len() <= Self::MAX_LEN,
            "a function has at most 1000 parameters and 1000 results"
        );
        Self {
            len_params,
            types: params.chain(results).collect(),
        }
    }

    /// Parameter types.
    #[must_use]
    pub fn params(&self) -> &[ValType] {
        &self.types[..self.len_params]
    }

    /// Result types.
    #[must_use]
    pub fn results(&self) -> &[ValType] {
        &self.types[self.len_params..]
    }

    pub(crate) fn from_abi(ty: &wasmelt_abi::FuncType) -> Self {
        Self {
            len_params: ty.params.len(),
            types: ty
                .params
                .iter()
                .chain(&ty.results)
                .map(|ty| ValType::from_abi(*ty))
                .collect(),
        }
    }

    pub(crate) fn check_params(&self, params: &[Val]) -> Result<(), FuncError> {
        if params.len() != self.len_params {
            return Err(FuncError::MismatchingParameterLen);
        }
        if params
            .iter()
            .zip(self.params())
            .any(|(val, ty)| val.ty() != *ty)
        {
            return Err(FuncError::MismatchingParameterType);
        }
        Ok(())
    }

    pub(crate) fn check_results(&self, results: &[Val]) -> Result<(), FuncError> {
        if results.len() != self.results().len() {
            return Err(FuncError::MismatchingResultLen);
        }
        if results
            .iter()
            .zip(self.results())
            .any(|(val, ty)| val.ty() != *ty)
        {
            return Err(FuncError::MismatchingResultType);
        }
        Ok(())
    }

    pub(crate) fn check_types(
        &self,
        params: &[ValType],
        results: &[ValType],
    ) -> Result<(), FuncError> {
        if params.len() != self.len_params {
            return Err(FuncError::MismatchingParameterLen);
        }
        if params != self.params() {
            return Err(FuncError::MismatchingParameterType);
        }
        if results.len() != self.results().len() {
            return Err(FuncError::MismatchingResultLen);
        }
        if results != self.results() {
            return Err(FuncError::MismatchingResultType);
        }
        Ok(())
    }

    /// Fills `outputs` with zeros of the result types.
    pub(crate) fn prepare_outputs(&self, outputs: &mut [Val]) -> Result<(), FuncError> {
        if outputs.len() != self.results().len() {
            return Err(FuncError::MismatchingResultLen);
        }
        for (output, ty) in outputs.iter_mut().zip(self.results()) {
            *output = Val::default_for_ty(*ty);
        }
        Ok(())
    }
}

impl fmt::Debug for FuncType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuncType")
            .field("params", &self.params())
            .field("results", &self.results())
            .finish()
    }
}

/// Whether a global can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// It cannot.
    Const,
    /// It can.
    Var,
}

impl Mutability {
    /// Whether the global cannot be set.
    #[must_use]
    pub fn is_const(&self) -> bool {
        matches!(self, Self::Const)
    }

    /// Whether the global can be set.
    #[must_use]
    pub fn is_mut(&self) -> bool {
        matches!(self, Self::Var)
    }
}

/// The type of a global.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalType {
    content: ValType,
    mutability: Mutability,
}

impl GlobalType {
    /// A global type.
    #[must_use]
    pub fn new(content: ValType, mutability: Mutability) -> Self {
        Self {
            content,
            mutability,
        }
    }

    /// Type of the value.
    #[must_use]
    pub fn content(&self) -> ValType {
        self.content
    }

    /// Whether it can be set.
    #[must_use]
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    pub(crate) fn from_abi(ty: wasmelt_abi::GlobalType) -> Self {
        Self {
            content: ValType::from_abi(ty.content),
            mutability: if ty.mutable {
                Mutability::Var
            } else {
                Mutability::Const
            },
        }
    }
}

/// Whether a size and declared maximum fit an import's limits (core specification 1.0, 3.4.10).
fn limits_match(
    (minimum, maximum): (u64, Option<u64>),
    (wanted_minimum, wanted_maximum): (u64, Option<u64>),
) -> bool {
    minimum >= wanted_minimum
        && wanted_maximum.is_none_or(|wanted| maximum.is_some_and(|maximum| maximum <= wanted))
}

/// The type of a linear memory: sizes in pages of 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryType {
    minimum: u64,
    maximum: Option<u64>,
    is_64: bool,
}

impl MemoryType {
    /// A memory type.
    ///
    /// # Panics
    ///
    /// If a size is above 65 536 pages, or the maximum below the minimum.
    #[must_use]
    pub fn new(minimum: u32, maximum: Option<u32>) -> Self {
        let mut builder = Self::builder();
        builder.min(u64::from(minimum));
        builder.max(maximum.map(u64::from));
        builder
            .build()
            .expect("sizes within 65536 pages, and no maximum below the minimum")
    }

    /// The type of a memory with 64-bit indices: for the host's own memories of up to 65 536 pages, since no
    /// module that this crate compiles imports one.
    ///
    /// # Panics
    ///
    /// If a size is above 2^48 pages, or the maximum below the minimum.
    #[must_use]
    pub fn new64(minimum: u64, maximum: Option<u64>) -> Self {
        let mut builder = Self::builder();
        builder.memory64(true).min(minimum).max(maximum);
        builder
            .build()
            .expect("sizes within 2^48 pages, and no maximum below the minimum")
    }

    /// A builder of memory types.
    #[must_use]
    pub fn builder() -> MemoryTypeBuilder {
        MemoryTypeBuilder::default()
    }

    /// Whether it is indexed with 64 bits.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Initial size in pages.
    #[must_use]
    pub fn minimum(self) -> u64 {
        self.minimum
    }

    /// Largest size in pages, if one is declared.
    #[must_use]
    pub fn maximum(self) -> Option<u64> {
        self.maximum
    }

    pub(crate) fn from_abi(limits: wasmelt_abi::Limits) -> Self {
        Self {
            minimum: u64::from(limits.min),
            maximum: limits.max.map(u64::from),
            is_64: false,
        }
    }

    /// This type with the current size in place of the initial one.
    pub(crate) fn with_size(self, pages: u64) -> Self {
        Self {
            minimum: pages,
            ..self
        }
    }

    pub(crate) fn is_subtype_of(self, wanted: Self) -> bool {
        self.is_64 == wanted.is_64
            && limits_match(
                (self.minimum(), self.maximum()),
                (wanted.minimum(), wanted.maximum()),
            )
    }
}

/// Builds a [`MemoryType`] from sizes that may be out of range.
#[derive(Debug, Default)]
pub struct MemoryTypeBuilder {
    minimum: u64,
    maximum: Option<u64>,
    memory64: bool,
    page_size_log2: Option<u8>,
}

impl MemoryTypeBuilder {
    /// A builder for a memory of minimum 0 without a maximum.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for 64-bit indices, see [`MemoryType::new64`].
    pub fn memory64(&mut self, memory64: bool) -> &mut Self {
        self.memory64 = memory64;
        self
    }

    /// Sets the initial size in pages.
    pub fn min(&mut self, minimum: u64) -> &mut Self {
        self.minimum = minimum;
        self
    }

    /// Sets the largest size in pages.
    pub fn max(&mut self, maximum: Option<u64>) -> &mut Self {
        self.maximum = maximum;
        self
    }

    /// Sets the logarithm of the page size; anything but 16 is refused by
    /// [`MemoryTypeBuilder::build`].
    pub fn page_size_log2(&mut self, page_size_log2: u8) -> &mut Self {
        self.page_size_log2 = Some(page_size_log2);
        self
    }

    /// The memory type.
    ///
    /// # Errors
    ///
    /// If a size is above 65 536 pages, or 2^48 with 64-bit indices, if the maximum is below the
    /// minimum, or if pages of another size were asked for.
    pub fn build(self) -> Result<MemoryType, MemoryError> {
        let page_size_log2 = WASM_PAGE_SIZE.trailing_zeros();
        let is_page = |log2: u8| u32::from(log2) == page_size_log2;
        let most = if self.memory64 {
            1 << (u64::BITS - page_size_log2)
        } else {
            u64::from(MEMORY_MAX_PAGES)
        };
        let largest = self.maximum.unwrap_or(self.minimum);
        if !self.page_size_log2.is_none_or(is_page) || self.minimum > largest || largest > most {
            return Err(MemoryError::InvalidMemoryType);
        }
        Ok(MemoryType {
            minimum: self.minimum,
            maximum: self.maximum,
            is_64: self.memory64,
        })
    }
}

/// The type of a table: sizes in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableType {
    element: RefType,
    minimum: u64,
    maximum: Option<u64>,
    is_64: bool,
}

impl TableType {
    /// A table type.
    ///
    /// # Panics
    ///
    /// If the maximum is below the minimum.
    #[must_use]
    pub fn new(element: RefType, minimum: u32, maximum: Option<u32>) -> Self {
        Self {
            is_64: false,
            ..Self::new64(element, u64::from(minimum), maximum.map(u64::from))
        }
    }

    /// The type of a table with 64-bit indices: for the host's own tables, since no module that this crate
    /// compiles imports one.
    ///
    /// # Panics
    ///
    /// If the maximum is below the minimum.
    #[must_use]
    pub fn new64(element: RefType, minimum: u64, maximum: Option<u64>) -> Self {
        assert!(
            maximum.is_none_or(|maximum| minimum <= maximum),
            "the maximum of a table is not below its minimum"
        );
        Self {
            element,
            minimum,
            maximum,
            is_64: true,
        }
    }

    /// Whether it is indexed with 64 bits.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.is_64
    }

    /// Type of the elements.
    #[must_use]
    pub fn element(&self) -> RefType {
        self.element
    }

    /// Initial number of elements.
    #[must_use]
    pub fn minimum(&self) -> u64 {
        self.minimum
    }

    /// Largest number of elements, if one is declared.
    #[must_use]
    pub fn maximum(&self) -> Option<u64> {
        self.maximum
    }

    pub(crate) fn from_abi(limits: wasmelt_abi::Limits) -> Self {
        Self {
            element: RefType::Func,
            minimum: u64::from(limits.min),
            maximum: limits.max.map(u64::from),
            is_64: false,
        }
    }

    /// This type with the current size in place of the initial one.
    pub(crate) fn with_size(self, elements: u64) -> Self {
        Self {
            minimum: elements,
            ..self
        }
    }

    pub(crate) fn is_subtype_of(&self, wanted: &Self) -> bool {
        self.element == wanted.element
            && self.is_64 == wanted.is_64
            && limits_match(
                (self.minimum(), self.maximum()),
                (wanted.minimum(), wanted.maximum()),
            )
    }
}

/// The type of an extern.
#[derive(Debug, Clone)]
pub enum ExternType {
    /// Of a global.
    Global(GlobalType),
    /// Of a table.
    Table(TableType),
    /// Of a memory.
    Memory(MemoryType),
    /// Of a function.
    Func(FuncType),
}

impl ExternType {
    /// The global type, if it is one.
    #[must_use]
    pub fn global(&self) -> Option<&GlobalType> {
        match self {
            Self::Global(ty) => Some(ty),
            _ => None,
        }
    }

    /// The table type, if it is one.
    #[must_use]
    pub fn table(&self) -> Option<&TableType> {
        match self {
            Self::Table(ty) => Some(ty),
            _ => None,
        }
    }

    /// The memory type, if it is one.
    #[must_use]
    pub fn memory(&self) -> Option<&MemoryType> {
        match self {
            Self::Memory(ty) => Some(ty),
            _ => None,
        }
    }

    /// The function type, if it is one.
    #[must_use]
    pub fn func(&self) -> Option<&FuncType> {
        match self {
            Self::Func(ty) => Some(ty),
            _ => None,
        }
    }
}

impl From<GlobalType> for ExternType {
    fn from(ty: GlobalType) -> Self {
        Self::Global(ty)
    }
}

impl From<TableType> for ExternType {
    fn from(ty: TableType) -> Self {
        Self::Table(ty)
    }
}

impl From<MemoryType> for ExternType {
    fn from(ty: MemoryType) -> Self {
        Self::Memory(ty)
    }
}

impl From<FuncType> for ExternType {
    fn from(ty: FuncType) -> Self {
        Self::Func(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::{MemoryType, TableType};
    use crate::reference::RefType;

    fn build(minimum: u64, maximum: Option<u64>) -> bool {
        let mut builder = MemoryType::builder();
        builder.min(minimum);
        builder.max(maximum);
        builder.build().is_ok()
    }

    #[test]
    fn memory_types_outside_the_specification_are_refused() {
        assert!(build(0, None) && build(65_536, Some(65_536)));
        assert!(!build(65_537, None));
        assert!(!build(0, Some(u64::MAX)));
        assert!(!build(2, Some(1)));
    }

    #[test]
    fn types_with_other_indices_do_not_match() {
        let memory = MemoryType::new64(1, Some(1 << 48));
        assert!(memory.is_64() && memory.is_subtype_of(memory));
        assert_eq!(memory.maximum(), Some(1 << 48));
        assert!(!memory.is_subtype_of(MemoryType::new(1, None)));
        assert!(!MemoryType::new(1, None).is_subtype_of(MemoryType::new64(0, None)));
        let table = TableType::new64(RefType::Func, 1, Some(u64::MAX));
        assert!(table.is_64() && !table.is_subtype_of(&TableType::new(RefType::Func, 1, None)));
    }

    #[test]
    fn a_memory_without_maximum_does_not_match_an_import_with_one() {
        let with = MemoryType::new(1, Some(2));
        let without = MemoryType::new(1, None);
        assert!(with.is_subtype_of(without));
        assert!(!without.is_subtype_of(with));
        assert!(with.with_size(2).is_subtype_of(with));
    }
}
