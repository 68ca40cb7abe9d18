//! Generates compile bombs: small valid modules made to cost a compiler as much time or memory as possible.
//!
//! Half of them stay just below the thresholds above which the compiler's governor takes the linear route, in as many
//! functions as fit, so that the dear route is taken as often as it can be; the other half go far above. Each computes
//! something known, so that a compiler that survives can also be checked for having compiled the right thing.
//!
//! Every function of a bomb has the type `(i32) -> i32`; the export `run` calls each of them with 1 and returns the
//! wrapping sum of what they return.

use wasm_encoder::{
    BlockType, CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection, MemoryType, Module,
    TypeSection, ValType,
};

/// Above which sizes a function is compiled without optimisation; the compiler's own numbers.
#[derive(Debug, Clone, Copy)]
pub struct Thresholds {
    /// Blocks, loops and ifs in one function.
    pub blocks: u32,
    /// Nesting of loops.
    pub loop_depth: u32,
    /// Nesting of blocks, loops and ifs.
    pub block_depth: u32,
    /// Bytes of a body.
    pub body_len_bytes: u32,
    /// Locals, parameters included, times blocks.
    pub locals_times_blocks: u64,
    /// Targets of all `br_table`s.
    pub branch_targets: u32,
    /// Values that are used in a loop and computed before it.
    pub values_kept_over_loops: u32,
}

/// A generated module and what its export `run` returns.
#[derive(Debug)]
pub struct Bomb {
    /// The binary.
    pub wasm: Vec<u8>,
    /// Result of `run`.
    pub expected: i32,
}

/// How to make one kind of bomb.
pub struct BombRecipe {
    /// What the bomb is called.
    pub name: &'static str,
    build: fn(&Thresholds) -> Bomb,
}

impl BombRecipe {
    /// Makes the bomb for a compiler with these thresholds.
    #[must_use]
    pub fn build(&self, thresholds: &Thresholds) -> Bomb {
        (self.build)(thresholds)
    }
}

/// Most locals that a function may declare, by the limits that engines share with the web.
const MAX_LOCALS: u32 = 50_000;
/// Most targets that a `br_table` may have, by the same limits.
const MAX_BRANCH_TARGETS: u32 = 65_520;
/// How large a bomb of repeated functions grows.
const REPEATED_LEN_BYTES: usize = 1 << 20;
/// How many functions it has at most.
const MAX_COPIES: u32 = 200;

/// Every kind of bomb.
pub const RECIPES: &[BombRecipe] = &[
    BombRecipe {
        name: "blocks-in-a-row-below",
        build: |limits| repeated(&blocks_in_a_row(limits.blocks)),
    },
    BombRecipe {
        name: "blocks-in-a-row-far-above",
        build: |_| single(&blocks_in_a_row(100_000)),
    },
    BombRecipe {
        name: "blocks-nested-below",
        build: |limits| repeated(&nested_blocks(limits.block_depth)),
    },
    BombRecipe {
        name: "blocks-nested-20000",
        build: |_| single(&nested_blocks(20_000)),
    },
    BombRecipe {
        name: "blocks-nested-50000",
        build: |_| single(&nested_blocks(50_000)),
    },
    BombRecipe {
        name: "loops-nested-below",
        build: |limits| repeated(&nested_loops(limits.loop_depth, 0)),
    },
    BombRecipe {
        name: "loops-nested-4000",
        build: |_| single(&nested_loops(4_000, 0)),
    },
    BombRecipe {
        name: "loops-nested-4000-with-locals",
        build: |_| single(&nested_loops(4_000, 100)),
    },
    BombRecipe {
        name: "loops-nested-with-locals-below",
        build: |limits| {
            let depth = limits.loop_depth;
            let locals = limits.locals_times_blocks / u64::from(depth);
            // Two locals are the parameter and the counter; a loop that changes a thousand already fills a body.
            repeated(&nested_loops(
                depth,
                locals.saturating_sub(2).min(1_000) as u32,
            ))
        },
    },
    BombRecipe {
        name: "locals-50000-live",
        build: |_| single(&live_locals(MAX_LOCALS - 1)),
    },
    BombRecipe {
        name: "locals-50000-declared-by-each-of-4000",
        build: |_| copies(&declared_locals(MAX_LOCALS - 1), 4_000),
    },
    BombRecipe {
        name: "br-table-below",
        build: |limits| repeated(&branch_table(limits.branch_targets, 900)),
    },
    BombRecipe {
        name: "br-table-65520-to-one-block",
        build: |_| repeated(&branch_table(MAX_BRANCH_TARGETS, 2)),
    },
    BombRecipe {
        name: "br-table-65520-to-5000-blocks",
        build: |_| single(&branch_table(MAX_BRANCH_TARGETS, 5_000)),
    },
    BombRecipe {
        name: "body-below",
        build: |limits| copies(&straight_line(limits.body_len_bytes as usize), 4),
    },
    BombRecipe {
        name: "body-of-4-MB",
        build: |_| single(&straight_line(4_000_000)),
    },
    BombRecipe {
        name: "operands-stacked-below",
        build: |limits| repeated(&stacked_operands(limits.body_len_bytes / 4)),
    },
    BombRecipe {
        name: "operands-stacked-500000",
        build: |_| single(&stacked_operands(500_000)),
    },
    BombRecipe {
        name: "squares-of-squares",
        build: |_| repeated(&squares(50_000)),
    },
    BombRecipe {
        name: "calls-50000",
        build: |_| repeated(&calls(50_000)),
    },
    BombRecipe {
        name: "stores-and-loads",
        build: |_| repeated(&stores_and_loads(30_000)),
    },
    BombRecipe {
        name: "divisions",
        build: |_| repeated(&divisions(30_000)),
    },
    BombRecipe {
        name: "functions-100000",
        build: |_| copies(&declared_locals(0), 100_000),
    },
    BombRecipe {
        name: "imports-and-types-50000",
        build: |_| imported_functions(50_000),
    },
    BombRecipe {
        name: "locals-times-blocks-below",
        build: |limits| {
            let locals = limits.locals_times_blocks / u64::from(limits.blocks);
            repeated(&diamonds(limits.blocks, locals as u32 - 2))
        },
    },
    BombRecipe {
        name: "locals-times-blocks-below-few-blocks",
        build: |limits| {
            let locals = limits.locals_times_blocks / 200;
            repeated(&diamonds(200, locals as u32 - 2))
        },
    },
    BombRecipe {
        name: "locals-times-blocks-above",
        build: |_| single(&diamonds(20_000, 20_000)),
    },
    BombRecipe {
        name: "locals-times-conditional-branches",
        build: |_| single(&branches_and_locals(34_000, 9_000)),
    },
    BombRecipe {
        name: "exports-200000-of-one-function-among-20000",
        build: |_| exported_often(20_000, 200_000),
    },
    BombRecipe {
        name: "short-callees-full-of-blocks",
        build: |_| short_callees(3_000, 500, 40_000),
    },
    BombRecipe {
        name: "sums-of-100000-numbers",
        build: |_| single(&long_sums(100_000)),
    },
    BombRecipe {
        name: "loop-that-shifts-26000-locals",
        build: |_| single(&shifted_locals(26_000)),
    },
    BombRecipe {
        name: "loop-with-tests-and-merges-of-10000-branches",
        build: |_| single(&tests_and_merges(200, 9_990, 100_000)),
    },
    BombRecipe {
        name: "loop-with-values-that-do-not-change-below",
        build: |limits| repeated(&fixed_values(limits.values_kept_over_loops)),
    },
    BombRecipe {
        name: "loop-with-14000-values-that-do-not-change",
        build: |_| single(&fixed_values(14_000)),
    },
    BombRecipe {
        name: "loop-with-accesses-behind-one-index-below",
        build: |limits| repeated(&accesses_behind_one_index(limits.values_kept_over_loops)),
    },
    BombRecipe {
        name: "loop-with-26000-accesses-behind-one-index",
        build: |_| single(&accesses_behind_one_index(26_000)),
    },
    BombRecipe {
        name: "calls-with-live-operands",
        build: |_| repeated(&calls_over_operands(2_000)),
    },
    BombRecipe {
        name: "calls-with-few-live-operands",
        build: |_| repeated(&calls_over_operands(300)),
    },
];

/// The recipe called `name`.
#[must_use]
pub fn lookup_recipe(name: &str) -> Option<&'static BombRecipe> {
    RECIPES.iter().find(|recipe| recipe.name == name)
}

/// A function of a bomb: its body, and what it returns for the argument 1.
struct Body {
    function: Function,
    value: i32,
}

/// The parameter of every function.
const ARGUMENT: u32 = 0;
/// The first declared local, which most functions count in.
const COUNTER: u32 = 1;
/// An access right at its index.
const ADDRESS: MemArg = MemArg {
    offset: 0,
    align: 0,
    target: MemArgTarget::Memory(0),
    ordering: None,
};
/// The function that does next to nothing, for others to call; it adds 1.
const LEAF: u32 = 0;

impl Body {
    /// A body with `locals` declared locals of type `i32`, what `write` writes, and an end.
    fn new(locals: u32, value: i32, write: impl FnOnce(&mut InstructionSink<'_>)) -> Self {
        let mut function = Function::new([(locals, ValType::I32)]);
        let mut sink = function.instructions();
        write(&mut sink);
        sink.end();
        Self { function, value }
    }
}

/// Adds the argument to the counter, and leaves whether the counter is absurdly large, which it never is.
fn count_and_compare(sink: &mut InstructionSink<'_>) {
    sink.local_get(COUNTER)
        .local_get(ARGUMENT)
        .i32_add()
        .local_tee(COUNTER);
    sink.i32_const(i32::MAX).i32_ge_u();
}

fn blocks_in_a_row(blocks: u32) -> Body {
    Body::new(1, blocks as i32, |sink| {
        for _ in 0..blocks {
            sink.block(BlockType::Empty);
            count_and_compare(sink);
            sink.br_if(0).end();
        }
        sink.local_get(COUNTER);
    })
}

fn nested_blocks(depth: u32) -> Body {
    Body::new(1, depth as i32, |sink| {
        for _ in 0..depth {
            sink.block(BlockType::Empty);
        }
        for level in 0..depth {
            count_and_compare(sink);
            // Alternately to the nearest and to the outermost block.
            sink.br_if(if level % 2 == 0 { 0 } else { depth - level - 1 })
                .end();
        }
        sink.local_get(COUNTER);
    })
}

/// Loops within loops, each of which changes `locals` locals that the next one changes again.
fn nested_loops(depth: u32, locals: u32) -> Body {
    let body_locals = locals + 1;
    // Each level adds 1 to each local; the result is the counter and the last of them.
    let value = if locals == 0 { depth } else { 2 * depth };
    Body::new(body_locals, value as i32, |sink| {
        for _ in 0..depth {
            sink.loop_(BlockType::Empty);
        }
        for _ in 0..depth {
            for local in COUNTER + 1..=locals + 1 {
                sink.local_get(local)
                    .local_get(ARGUMENT)
                    .i32_add()
                    .local_set(local);
            }
            count_and_compare(sink);
            sink.br_if(0).end();
        }
        sink.local_get(COUNTER);
        if locals > 0 {
            sink.local_get(COUNTER + locals).i32_add();
        }
    })
}

/// Ifs in a row; each arm of each changes another local, and all locals are read in the end.
fn diamonds(count: u32, locals: u32) -> Body {
    let first = COUNTER + 1;
    let value = (0..count).fold(0i32, |sum, _| sum.wrapping_add(3));
    Body::new(locals + 1, value, |sink| {
        for step in 0..count {
            let local = first + step % locals;
            let other = first + (step * 7 + 3) % locals;
            sink.local_get(ARGUMENT).if_(BlockType::Empty);
            sink.local_get(local)
                .i32_const(3)
                .i32_add()
                .local_set(local)
                .else_();
            sink.local_get(other)
                .i32_const(5)
                .i32_mul()
                .local_set(other)
                .end();
        }
        sink.local_get(COUNTER);
        for local in first..first + locals {
            sink.local_get(local).i32_add();
        }
    })
}

/// Conditional branches in a row, then a use of so many locals that nothing ever set.
fn branches_and_locals(branches: u32, locals: u32) -> Body {
    Body::new(locals, 1, |sink| {
        sink.block(BlockType::Empty);
        for _ in 0..branches {
            sink.local_get(COUNTER).br_if(0);
        }
        sink.end();
        for local in 0..locals {
            sink.local_get(COUNTER + local).drop();
        }
        sink.local_get(ARGUMENT);
    })
}

/// 64-bit sums, one within the other, first as left operands and then as right ones; the numbers are the upper half of
/// a product, built from four products of halves, and the argument.
fn long_sums(addends: u32) -> Body {
    const HALF: i64 = 32;
    const MASK: i64 = 0xffff_ffff;
    const MIDDLE: u32 = 1;
    let half = |sink: &mut InstructionSink<'_>, is_high: bool| {
        sink.local_get(ARGUMENT).i64_extend_i32_u();
        // Both halves of the factor are 1.
        sink.i64_const(0x1_0000_0001).i64_mul();
        if is_high {
            sink.i64_const(HALF).i64_shr_u();
        } else {
            sink.i64_const(MASK).i64_and();
        }
    };
    let product = |sink: &mut InstructionSink<'_>, is_high: [bool; 2]| {
        for is_high in is_high {
            half(sink, is_high);
        }
        sink.i64_mul();
    };
    let mut function = Function::new([(2, ValType::I64)]);
    let mut sink = function.instructions();
    product(&mut sink, [true, false]);
    product(&mut sink, [false, false]);
    sink.i64_const(HALF).i64_shr_u().i64_add();
    sink.local_tee(MIDDLE).i64_const(MASK).i64_and();
    product(&mut sink, [false, true]);
    sink.i64_add().i64_const(HALF).i64_shr_u();
    product(&mut sink, [true, true]);
    sink.i64_add();
    sink.local_get(MIDDLE).i64_const(HALF).i64_shr_u().i64_add();
    sink.local_tee(MIDDLE + 1);
    for addend in 1..addends / 2 {
        sink.local_get(MIDDLE + addend % 2).i64_add();
    }
    for _ in 0..addends / 2 {
        sink.local_get(MIDDLE + 1);
    }
    for _ in 0..addends / 2 {
        sink.i64_add();
    }
    sink.i32_wrap_i64().end();
    // The sum in the middle is 1, and the upper half of the product too.
    Body {
        function,
        value: addends as i32,
    }
}

/// A loop each of whose rounds gives each local the value of the next one, the first of which becomes an address.
fn shifted_locals(locals: u32) -> Body {
    Body::new(locals, 1, |sink| {
        sink.block(BlockType::Empty).loop_(BlockType::Empty);
        sink.local_get(ARGUMENT).br_if(1);
        for local in COUNTER..locals {
            sink.local_get(local + 1).local_set(local);
        }
        sink.i32_const(0).i32_load(ADDRESS).local_set(locals);
        sink.br(0).end().end();
        sink.local_get(COUNTER).i32_load(ADDRESS).drop();
        sink.local_get(ARGUMENT);
    })
}

/// A loop whose counter has many tests, and steps through two blocks that branch tables leave so many times.
fn tests_and_merges(tests: u32, branches: u32, padding: u32) -> Body {
    Body::new(2, 2, |sink| {
        sink.block(BlockType::Empty).loop_(BlockType::Empty);
        for _ in 0..tests {
            sink.local_get(COUNTER).i32_const(100).i32_ge_u().br_if(1);
        }
        for _ in 0..2 {
            sink.block(BlockType::Empty);
            sink.local_get(ARGUMENT).if_(BlockType::Empty);
            sink.local_get(COUNTER)
                .i32_const(1)
                .i32_add()
                .local_set(COUNTER);
            sink.br(1).end();
            sink.local_get(ARGUMENT)
                .br_table((0..branches).map(|_| 0), 0)
                .end();
        }
        sink.local_get(COUNTER)
            .i32_const(4)
            .i32_add()
            .i32_load(ADDRESS)
            .drop();
        for _ in 0..padding / 4 {
            sink.local_get(COUNTER + 1)
                .local_get(ARGUMENT)
                .i32_xor()
                .local_set(COUNTER + 1);
        }
        sink.local_get(ARGUMENT).i32_eqz().br_if(0);
        sink.end().end().local_get(COUNTER);
    })
}

/// Locals that all live at the same time.
fn live_locals(locals: u32) -> Body {
    let value = (0..locals).fold(0i32, |sum, index| sum.wrapping_add(1 ^ index as i32));
    Body::new(locals, value, |sink| {
        for index in 0..locals {
            sink.local_get(ARGUMENT)
                .i32_const(index as i32)
                .i32_xor()
                .local_set(COUNTER + index);
        }
        sink.i32_const(0);
        // Backwards, so that the first to be set lives longest.
        for index in (0..locals).rev() {
            sink.local_get(COUNTER + index).i32_add();
        }
    })
}

/// Locals that are declared and never used: three bytes of wasm for as many as one likes.
fn declared_locals(locals: u32) -> Body {
    Body::new(locals, 1, |sink| {
        sink.local_get(ARGUMENT);
    })
}

/// One table of `targets` targets spread over `blocks` nested blocks (at least two).
fn branch_table(targets: u32, blocks: u32) -> Body {
    // The argument 1 leaves two blocks; each block around them counts one.
    Body::new(1, blocks as i32 - 1, |sink| {
        for _ in 0..blocks {
            sink.block(BlockType::Empty);
        }
        sink.local_get(ARGUMENT)
            .br_table((0..targets).map(|target| target % blocks), 0);
        for _ in 0..blocks {
            sink.end()
                .local_get(COUNTER)
                .i32_const(1)
                .i32_add()
                .local_set(COUNTER);
        }
        sink.local_get(COUNTER);
    })
}

/// Arithmetic without a branch, in a body of nearly `len_bytes`.
fn straight_line(len_bytes: usize) -> Body {
    let mut function = Function::new([(1, ValType::I32)]);
    let mut value = 0i32;
    let mut step = 0i32;
    while function.byte_len() + 32 < len_bytes {
        let constant = step.wrapping_mul(0x9e37) ^ 0x55;
        function
            .instructions()
            .local_get(COUNTER)
            .i32_const(constant)
            .i32_xor()
            .i32_const(31)
            .i32_mul()
            .local_get(ARGUMENT)
            .i32_add()
            .local_set(COUNTER);
        value = (value ^ constant).wrapping_mul(31).wrapping_add(1);
        step += 1;
    }
    function.instructions().local_get(COUNTER).end();
    Body { function, value }
}

/// As many operands on the stack as there are instructions, then an addition for each.
fn stacked_operands(operands: u32) -> Body {
    let value = (0..operands).fold(0i32, |sum, index| sum.wrapping_add(1 ^ (index % 60) as i32));
    Body::new(0, value, |sink| {
        for index in 0..operands {
            sink.local_get(ARGUMENT)
                .i32_const((index % 60) as i32)
                .i32_xor();
        }
        for _ in 1..operands {
            sink.i32_add();
        }
    })
}

/// Each value is used twice by the next: trees of exponential size over a graph of linear size.
fn squares(steps: u32) -> Body {
    let value = (0..steps).fold(0i32, |x, _| x.wrapping_mul(x).wrapping_add(1));
    Body::new(1, value, |sink| {
        for _ in 0..steps {
            sink.local_get(COUNTER).local_get(COUNTER).i32_mul();
            sink.local_get(ARGUMENT).i32_add().local_set(COUNTER);
        }
        sink.local_get(COUNTER);
    })
}

fn calls(count: u32) -> Body {
    Body::new(1, count as i32, |sink| {
        for _ in 0..count {
            sink.local_get(COUNTER).call(LEAF).local_set(COUNTER);
        }
        sink.local_get(COUNTER);
    })
}

/// Calls whose earlier results all stay on the operand stack, across every later call.
fn calls_over_operands(count: u32) -> Body {
    Body::new(0, 2 * count as i32, |sink| {
        for _ in 0..count {
            sink.local_get(ARGUMENT).call(LEAF);
        }
        for _ in 1..count {
            sink.i32_add();
        }
    })
}

/// A loop around values that do not change in it, and so may be computed before it.
fn fixed_values(count: u32) -> Body {
    Body::new(0, 1, |sink| {
        sink.loop_(BlockType::Empty);
        for index in 0..count {
            sink.local_get(ARGUMENT)
                .local_get(ARGUMENT)
                .i32_const(index as i32)
                .i32_rotl()
                .i32_store8(byte_at(index));
        }
        end_loop(sink);
        sink.local_get(ARGUMENT);
    })
}

/// A loop around accesses whose index does not change in it, each of which ends further behind it.
fn accesses_behind_one_index(count: u32) -> Body {
    Body::new(1, 0, |sink| {
        sink.loop_(BlockType::Empty);
        for index in 0..count {
            sink.local_get(ARGUMENT)
                .i32_load8_u(byte_at(index))
                .local_get(COUNTER)
                .i32_add()
                .local_set(COUNTER);
        }
        end_loop(sink);
        sink.local_get(COUNTER);
    })
}

/// Goes round once more unless the argument is 1.
fn end_loop(sink: &mut InstructionSink<'_>) {
    sink.local_get(ARGUMENT)
        .i32_const(1)
        .i32_ne()
        .br_if(0)
        .end();
}

/// A byte so far behind the index.
fn byte_at(offset: u32) -> MemArg {
    MemArg {
        offset: u64::from(offset),
        align: 0,
        target: MemArgTarget::Memory(0),
        ordering: None,
    }
}

fn stores_and_loads(count: u32) -> Body {
    let access = |index: u32| MemArg {
        offset: u64::from(index % 16_000) * 4,
        align: 2,
        target: MemArgTarget::Memory(0),
        ordering: None,
    };
    // The argument 1 is also the address: every access is unaligned and one byte further.
    let value = (0..count).fold(0i32, |sum, index| sum.wrapping_add(index as i32 & 0x3f));
    Body::new(1, value, |sink| {
        for index in 0..count {
            sink.local_get(ARGUMENT)
                .i32_const(index as i32 & 0x3f)
                .i32_store(access(index));
            sink.local_get(ARGUMENT).i32_load(access(index));
            sink.local_get(COUNTER).i32_add().local_set(COUNTER);
        }
        sink.local_get(COUNTER);
    })
}

/// Divisions and remainders, each of which may trap.
fn divisions(count: u32) -> Body {
    let value = (0..count).fold(7i32, |x, index| {
        let divisor = (index % 1_000) as i32 + 2;
        (x / divisor).wrapping_add(x % divisor).wrapping_add(0x1234)
    });
    Body::new(1, value, |sink| {
        sink.i32_const(7).local_set(COUNTER);
        for index in 0..count {
            let divisor = (index % 1_000) as i32 + 1;
            // The divisor is not a constant, since the argument is not.
            for divide in [InstructionSink::i32_div_s, InstructionSink::i32_rem_s] {
                sink.local_get(COUNTER)
                    .local_get(ARGUMENT)
                    .i32_const(divisor)
                    .i32_add();
                divide(sink);
            }
            sink.i32_add()
                .i32_const(0x1234)
                .i32_add()
                .local_set(COUNTER);
        }
        sink.local_get(COUNTER);
    })
}

/// A module of as many imported functions, each with a type of its own, and one function that calls none of them.
fn imported_functions(count: u32) -> Bomb {
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for index in 0..count {
        let params = (0..16).map(|bit| {
            if index >> bit & 1 == 0 {
                ValType::I32
            } else {
                ValType::F64
            }
        });
        types.ty().function(params, [ValType::I32]);
        imports.import("bomb", "stub", EntityType::Function(index));
    }
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(count);
    let mut code = CodeSection::new();
    let mut run = Function::new([]);
    run.instructions().i32_const(42).end();
    code.function(&run);
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, count);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code);
    Bomb {
        wasm: module.finish(),
        expected: 42,
    }
}

/// A module of as many empty functions, with as many exports, all of the one that returns 42.
fn exported_often(functions: u32, exported: u32) -> Bomb {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut declarations = FunctionSection::new();
    let mut code = CodeSection::new();
    for index in 0..functions {
        declarations.function(0);
        let mut function = Function::new([]);
        let value = if index == 0 { 42 } else { 0 };
        function.instructions().i32_const(value).end();
        code.function(&function);
    }
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0);
    for index in 1..exported {
        exports.export(&format!("{index}"), ExportKind::Func, 0);
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&declarations)
        .section(&exports)
        .section(&code);
    Bomb {
        wasm: module.finish(),
        expected: 42,
    }
}

/// One function with many locals and many calls, in a loop, of a short function full of branches:
/// inlined, they multiply. Padding gives the caller the length that its growth is measured by.
fn short_callees(locals: u32, calls: u32, padding: u32) -> Bomb {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], []);
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0).function(1);
    let mut callee = Function::new([]);
    let mut sink = callee.instructions();
    for _ in 0..8 {
        // Left at once, since the argument is zero.
        sink.loop_(BlockType::Empty).local_get(0).br_if(0).end();
    }
    sink.end();
    let mut caller = Function::new([(locals, ValType::I32)]);
    let mut sink = caller.instructions();
    sink.loop_(BlockType::Empty);
    for _ in 0..calls {
        sink.i32_const(0).call(0);
    }
    sink.local_get(0).br_if(0).end();
    for _ in 0..padding {
        sink.nop();
    }
    for local in 0..locals {
        sink.local_get(local).drop();
    }
    sink.i32_const(42).end();
    let mut code = CodeSection::new();
    code.function(&callee).function(&caller);
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 1);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&exports)
        .section(&code);
    Bomb {
        wasm: module.finish(),
        expected: 42,
    }
}

fn single(body: &Body) -> Bomb {
    copies(body, 1)
}

/// `body` as many times as fit.
fn repeated(body: &Body) -> Bomb {
    let fitting = REPEATED_LEN_BYTES / body.function.byte_len().max(1);
    copies(body, (fitting as u32).clamp(1, MAX_COPIES))
}

/// A module of `count` functions with this body, the leaf before them and `run` after them.
fn copies(body: &Body, count: u32) -> Bomb {
    const UNARY: u32 = 0;
    const NULLARY: u32 = 1;
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], [ValType::I32]);

    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut leaf = Function::new([]);
    leaf.instructions()
        .local_get(ARGUMENT)
        .i32_const(1)
        .i32_add()
        .end();
    functions.function(UNARY);
    code.function(&leaf);
    for _ in 0..count {
        functions.function(UNARY);
        code.function(&body.function);
    }
    let mut run = Function::new([]);
    let mut sink = run.instructions();
    sink.i32_const(0);
    for index in 1..=count {
        sink.i32_const(1).call(index).i32_add();
    }
    sink.end();
    functions.function(NULLARY);
    code.function(&run);

    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: Some(1),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, count + 1);

    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories)
        .section(&exports)
        .section(&code);
    Bomb {
        wasm: module.finish(),
        expected: body.value.wrapping_mul(count as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Small enough that every bomb is quickly built.
    const THRESHOLDS: Thresholds = Thresholds {
        blocks: 50,
        loop_depth: 10,
        block_depth: 20,
        body_len_bytes: 2_000,
        locals_times_blocks: 5_000,
        branch_targets: 100,
        values_kept_over_loops: 100,
    };

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = RECIPES.iter().map(|recipe| recipe.name).collect();
        assert_eq!(names.len(), RECIPES.len());
        assert!(names.iter().all(|name| lookup_recipe(name).is_some()));
    }

    #[test]
    fn a_repeated_bomb_stays_near_its_size_and_takes_the_thresholds() {
        let bomb = lookup_recipe("blocks-in-a-row-below")
            .expect("it is listed")
            .build(&THRESHOLDS);
        assert!(bomb.wasm.len() < REPEATED_LEN_BYTES + 10_000);
        assert_eq!(bomb.expected, 50 * MAX_COPIES as i32);
    }

    /// Bombs that go beyond what the interpreter's own code format can hold.
    const TOO_LARGE_FOR_THE_INTERPRETER: [&str; 3] = [
        "locals-50000-live",
        "locals-50000-declared-by-each-of-4000",
        "operands-stacked-500000",
    ];

    /// Every bomb is a valid module, and an interpreter gives what the recipe says.
    #[test]
    fn an_interpreter_agrees_with_every_recipe() {
        for recipe in RECIPES {
            let bomb = recipe.build(&THRESHOLDS);
            let found = interpret(&bomb.wasm);
            if TOO_LARGE_FOR_THE_INTERPRETER.contains(&recipe.name) {
                assert!(
                    found.expect_err(recipe.name).starts_with("refused: "),
                    "{}",
                    recipe.name
                );
            } else {
                assert_eq!(found, Ok(bomb.expected), "{}", recipe.name);
            }
        }
    }

    fn interpret(wasm: &[u8]) -> Result<i32, String> {
        let engine = wasmi::Engine::default();
        let mut store = wasmi::Store::new(&engine, ());
        let refused = |error: wasmi::Error| format!("refused: {error}");
        let module = wasmi::Module::new(&engine, wasm).map_err(refused)?;
        let mut imports = Vec::new();
        for import in module.imports() {
            let ty = import
                .ty()
                .func()
                .expect("bombs import functions only")
                .clone();
            let stub = wasmi::Func::new(&mut store, ty, |_, _, _| Err(wasmi::Error::i32_exit(1)));
            imports.push(wasmi::Extern::Func(stub));
        }
        let instance = wasmi::Instance::new(&mut store, &module, &imports)
            .map_err(|error| error.to_string())?;
        let run = instance
            .get_typed_func::<(), i32>(&store, "run")
            .map_err(|error| error.to_string())?;
        // Functions are translated when they are first called, and may be refused then.
        run.call(&mut store, ())
            .map_err(|error| match error.as_trap_code() {
                Some(code) => format!("trap: {code:?}"),
                None => refused(error),
            })
    }
}
