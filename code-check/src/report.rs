//! Counts what was checked, and what could not be shown.

use crate::access::Verdict;
use std::fmt;

/// Accesses of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accesses {
    /// Shown to stay inside.
    pub proven: u64,
    /// Not shown to stay inside: no rule is broken as far as is known.
    pub unproven: u64,
}

/// What was found in machine code that breaks no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Report {
    /// Functions.
    pub functions: u64,
    /// Stubs behind them.
    pub stubs: u64,
    /// Instructions that control can reach.
    pub instructions: u64,
    /// Bytes of them.
    pub code_bytes: u64,
    /// Bytes of constants and jump tables that they read.
    pub data_bytes: u64,
    /// Zeros between functions.
    pub padding_bytes: u64,
    /// Bytes of functions that nothing reaches or reads.
    pub unreached_bytes: u64,
    /// Jump tables.
    pub jump_tables: u64,
    /// Calls of functions and stubs.
    pub direct_calls: u64,
    /// Calls of import slots, table entries and libcalls.
    pub indirect_calls: u64,
    /// Loads from the linear memory.
    pub memory_reads: Accesses,
    /// Stores to the linear memory, and instructions that do both.
    pub memory_writes: Accesses,
    /// Loads from entries of the table.
    pub table_reads: Accesses,
    /// Accesses of the stack, globals, vmctx and what it points to: all of them are shown to be allowed.
    pub other_accesses: u64,
}

impl Report {
    pub(crate) fn count_access(&mut self, verdict: Verdict, is_write: bool) {
        let (accesses, is_proven) = match verdict {
            Verdict::Host => {
                self.other_accesses += 1;
                return;
            }
            Verdict::Memory(is_proven) if is_write => (&mut self.memory_writes, is_proven),
            Verdict::Memory(is_proven) => (&mut self.memory_reads, is_proven),
            Verdict::Table(is_proven) => (&mut self.table_reads, is_proven),
        };
        if is_proven {
            accesses.proven += 1;
        } else {
            accesses.unproven += 1;
        }
    }

    pub(crate) fn count_call(&mut self, is_direct: bool) {
        if is_direct {
            self.direct_calls += 1;
        } else {
            self.indirect_calls += 1;
        }
    }

    /// Adds what was found elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        let Self {
            functions,
            stubs,
            instructions,
            code_bytes,
            data_bytes,
            padding_bytes,
            unreached_bytes,
            jump_tables,
            direct_calls,
            indirect_calls,
            memory_reads,
            memory_writes,
            table_reads,
            other_accesses,
        } = other;
        for (sum, more) in [
            (&mut self.functions, functions),
            (&mut self.stubs, stubs),
            (&mut self.instructions, instructions),
            (&mut self.code_bytes, code_bytes),
            (&mut self.data_bytes, data_bytes),
            (&mut self.padding_bytes, padding_bytes),
            (&mut self.unreached_bytes, unreached_bytes),
            (&mut self.jump_tables, jump_tables),
            (&mut self.direct_calls, direct_calls),
            (&mut self.indirect_calls, indirect_calls),
            (&mut self.other_accesses, other_accesses),
        ] {
            *sum += more;
        }
        for (sum, more) in [
            (&mut self.memory_reads, memory_reads),
            (&mut self.memory_writes, memory_writes),
            (&mut self.table_reads, table_reads),
        ] {
            sum.proven += more.proven;
            sum.unproven += more.unproven;
        }
    }

    /// Accesses that were not shown to stay inside.
    #[must_use]
    pub const fn unproven(&self) -> u64 {
        self.memory_reads.unproven + self.memory_writes.unproven + self.table_reads.unproven
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} functions, {} stubs", self.functions, self.stubs)?;
        writeln!(
            f,
            "{} instructions in {} bytes; {} bytes of constants and jump tables, {} of padding, {} never reached",
            self.instructions,
            self.code_bytes,
            self.data_bytes,
            self.padding_bytes,
            self.unreached_bytes
        )?;
        writeln!(
            f,
            "{} direct and {} indirect calls, {} jump tables",
            self.direct_calls, self.indirect_calls, self.jump_tables
        )?;
        for (what, accesses) in [
            ("loads from memory", self.memory_reads),
            ("stores to memory", self.memory_writes),
            ("loads from the table", self.table_reads),
        ] {
            let Accesses { proven, unproven } = accesses;
            writeln!(
                f,
                "{what}: {proven} shown to stay inside, {unproven} not shown"
            )?;
        }
        write!(
            f,
            "other accesses: {}, all shown to be allowed",
            self.other_accesses
        )
    }
}
