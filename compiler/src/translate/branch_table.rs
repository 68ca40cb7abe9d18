//! `br_table`: comparisons where few of them tell the targets apart, a table of addresses elsewhere.
//!
//! A jump through a table takes a clamp, a load, an addition and an indirect jump, which processors
//! predict worse than a branch between two ways. Many tables are of two or three entries, or of one
//! target but for a few indices (Sayle, "A superoptimizer analysis of multiway branch code
//! generation", 2008).

use super::Translator;
use cranelift_codegen::ir::{
    Block, BlockCall, InstBuilder, JumpTableData, Value, condcodes::IntCC,
};
use wasmparser::BrTable;

/// Consecutive indices that go to the same target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run<T> {
    first: u32,
    target: T,
}

/// Runs that are one index within another run, and the others.
struct Plan<T> {
    exceptions: Vec<Run<T>>,
    runs: Vec<Run<T>>,
}

/// A tree of tests of the index.
#[derive(PartialEq, Eq, Debug)]
enum Decision {
    Go(Block),
    /// One index goes to `target`.
    Equal(u32, Block, Box<Decision>),
    /// Indices below go by the first decision, others by the second.
    Below(u32, Box<[Decision; 2]>),
}

/// Beyond so many tests, a table is as fast and not much longer.
const MAX_TESTS: usize = 4;

impl Translator<'_, '_> {
    pub(super) fn br_table(&mut self, targets: &BrTable<'_>) {
        let index = self.pop();
        let mut edges = Vec::new();
        for relative_depth in targets.targets() {
            let relative_depth = relative_depth.expect("validated code can be read again");
            edges.push(self.branch_edge(relative_depth));
        }
        let default = self.branch_edge(targets.default());
        match decide(&edges, default) {
            Some(decision) => self.branch_by(index, decision),
            None => self.branch_through_table(index, &edges, default),
        }
        self.fill_fuel_edges();
        self.reachable = false;
    }

    fn branch_through_table(&mut self, index: Value, edges: &[Block], default: Block) {
        let pool = &mut self.builder.func.dfg.value_lists;
        let mut edge = |block| BlockCall::new(block, std::iter::empty(), pool);
        let edges: Vec<_> = edges.iter().copied().map(&mut edge).collect();
        let default = edge(default);
        let table = self
            .builder
            .create_jump_table(JumpTableData::new(default, &edges));
        self.builder.ins().br_table(index, table);
    }

    fn branch_by(&mut self, index: Value, decision: Decision) {
        let (condition, bound, [then, otherwise]) = match decision {
            Decision::Go(target) => {
                self.builder.ins().jump(target, &[]);
                return;
            }
            Decision::Equal(bits, target, others) => {
                (IntCC::Equal, bits, [Decision::Go(target), *others])
            }
            Decision::Below(bound, sides) => (IntCC::UnsignedLessThan, bound, *sides),
        };
        let condition = self
            .builder
            .ins()
            .icmp_imm_u(condition, index, i64::from(bound));
        let sides = [then, otherwise].map(|decision| match decision {
            Decision::Go(target) => (target, None),
            deeper => (self.builder.create_block(), Some(deeper)),
        });
        let [(then, _), (otherwise, _)] = sides;
        self.builder
            .ins()
            .brif(condition, then, &[], otherwise, &[]);
        for (block, deeper) in sides {
            if let Some(deeper) = deeper {
                self.builder.seal_block(block);
                self.builder.switch_to_block(block);
                self.branch_by(index, deeper);
            }
        }
    }
}

/// How many tests replace a table, 0 for one that stays.
pub(crate) fn count_tests(table: &BrTable<'_>) -> usize {
    let labels = table.targets().map_while(Result::ok);
    plan(labels.chain([table.default()])).map_or(0, |plan| plan.tests())
}

/// The tests that find an index's target, if few do.
fn decide(targets: &[Block], default: Block) -> Option<Decision> {
    let plan = plan(targets.iter().copied().chain([default]))?;
    let rest = bisect(&plan.runs);
    let exceptions = plan.exceptions.into_iter().rev();
    Some(exceptions.fold(rest, |others, run| {
        Decision::Equal(run.first, run.target, Box::new(others))
    }))
}

/// What is to be told apart by few tests, if that can be done. The last target is all others'.
fn plan<T: Copy + PartialEq>(targets: impl Iterator<Item = T>) -> Option<Plan<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for (first, target) in (0..).zip(targets) {
        if runs.last().is_none_or(|run| run.target != target) {
            runs.push(Run { first, target });
        }
        // Each test ends one run, or two.
        if runs.len() > 2 * MAX_TESTS + 1 {
            return None;
        }
    }
    let exceptions = take_exceptions(&mut runs);
    let plan = Plan { exceptions, runs };
    (plan.tests() <= MAX_TESTS).then_some(plan)
}

impl<T> Plan<T> {
    fn tests(&self) -> usize {
        self.exceptions.len() + self.runs.len() - 1
    }
}

/// Removes runs of one index that lie within another run.
fn take_exceptions<T: Copy + PartialEq>(runs: &mut Vec<Run<T>>) -> Vec<Run<T>> {
    let mut exceptions = Vec::new();
    let mut at = 1;
    while let Some([before, run, after]) = runs.get(at - 1..=at + 1) {
        if after.first - run.first == 1 && before.target == after.target {
            exceptions.push(*run);
            runs.drain(at..=at + 1);
        } else {
            at += 1;
        }
    }
    exceptions
}

fn bisect(runs: &[Run<Block>]) -> Decision {
    match runs {
        [only] => Decision::Go(only.target),
        _ => {
            let (below, from) = runs.split_at(runs.len() / 2);
            Decision::Below(from[0].first, Box::new([bisect(below), bisect(from)]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide};
    use cranelift_codegen::ir::Block;

    fn target_of(decision: &Decision, index: u32) -> Block {
        match decision {
            Decision::Go(target) => *target,
            Decision::Equal(bits, target, _) if index == *bits => *target,
            Decision::Equal(_, _, others) => target_of(others, index),
            Decision::Below(bound, sides) => target_of(&sides[usize::from(index >= *bound)], index),
        }
    }

    #[test]
    fn decisions_find_what_the_table_says() {
        let mut decided = 0;
        // Every table of up to seven entries with up to three targets.
        for length in 0..=7 {
            for number in 0..3u32.pow(length + 1) {
                let target = |at| Block::from_u32(number / 3u32.pow(at) % 3);
                let targets: Vec<Block> = (0..length).map(target).collect();
                let default = target(length);
                let Some(decision) = decide(&targets, default) else {
                    continue;
                };
                decided += 1;
                for index in (0..length + 2).chain([u32::MAX]) {
                    let expected = targets.get(index as usize).copied().unwrap_or(default);
                    assert_eq!(target_of(&decision, index), expected, "{targets:?} {index}");
                }
            }
        }
        assert!(decided > 1000, "only {decided} decisions");
    }

    #[test]
    fn long_tables_of_two_targets_take_one_test_for_each_exception() {
        let [usual, rare] = [0, 1].map(Block::from_u32);
        let mut targets = vec![usual; 60_000];
        targets[17] = rare;
        let expected = Decision::Equal(17, rare, Box::new(Decision::Go(usual)));
        assert_eq!(decide(&targets, usual), Some(expected));
    }
}
