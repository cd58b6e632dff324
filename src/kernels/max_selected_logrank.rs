//! Maximally selected log-rank statistics of shuffled scores; one permutation an invocation (WGSL)
//! or a lane.
//!
//! # Method
//! The log-rank scores of the subjects are fixed; a permutation says which subject has which place
//! in the order of the marker. Walking from the highest marker down, the sum of the scores so far
//! less its mean is the numerator of every cut's statistic, so one permutation costs one pass.
//! Scores, means and the weights that standardise are integers ([`Selection`]): a statistic is
//! `|sum - centre| * weight` in 64 bits, the maximum is decided exactly, the first cut (smallest
//! upper group) on ties.
//!
//! # Source
//! Hothorn and Lausen, Computational Statistics & Data Analysis 43 (2003) 121: the conditional
//! distribution of a maximally selected rank statistic; here its permutations are drawn instead of
//! enumerated (Fisher and Yates' shuffle, stream 1 of [`crate::numeric::draw`]), left once the last
//! upper group is full.
//!
//! # Twin and shader
//! same: every draw and every integer, so the words are equal bit for bit on any device.

mod selection;

pub use selection::{Cut, Selection};

use super::hazard_ratio_bootstrap::{Plan as Draws, Slot};
use super::lanes::{InstructionSet, LaneWork, Lanes, run_with};
use super::scatter::Drawer;
use super::{Binding, KernelInfo};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::philox;
use bytemuck::{Pod, Zeroable};

/// Maxima are integers: no difference is allowed.
pub const TOLERANCE: u64 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "max_selected_logrank",
    source: include_str!("../../shaders/max_selected_logrank.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Storage { name: "scores" },
        Binding::Storage { name: "cuts" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "maxima" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Low word of the seed.
    pub key_0: u32,
    /// High word of the seed.
    pub key_1: u32,
    /// Low word of the first permutation's number.
    pub first_low: u32,
    /// High word of the first permutation's number.
    pub first_high: u32,
    /// Number of permutations.
    pub n_permutations: u32,
    /// Number of subjects.
    pub n_scores: u32,
    /// Places that are drawn: the largest upper group.
    pub n_slots: u32,
    /// Number of cuts.
    pub n_cuts: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Number of permutations the scratch holds a column for.
    pub stride: u32,
    /// Purpose of the draws ([`Stream`]).
    pub stream: u32,
    /// Unused; keeps the struct a multiple of 16 bytes.
    pub padding_0: u32,
}

/// What a permutation leaves.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Maximum {
    /// High word of the largest weighted sum.
    pub high: u32,
    /// Its low word.
    pub low: u32,
    /// Index of its cut.
    pub cut: u32,
    /// 1 once a kernel has written it.
    pub written: u32,
}

/// What an output cell holds before a kernel writes it.
pub const POISON: Maximum =
    Maximum { high: u32::MAX, low: u32::MAX, cut: u32::MAX, written: u32::MAX };

impl Maximum {
    /// The largest weighted sum and its cut; `None` for words that no kernel wrote (poison, or a
    /// buffer's zeros).
    pub fn value(&self) -> Option<(u64, usize)> {
        let weighted = u64::from(self.high) << 32 | u64::from(self.low);
        (self.written == 1).then_some((weighted, self.cut as usize))
    }

    fn of((weighted, cut): (u64, usize)) -> Self {
        Self { high: (weighted >> 32) as u32, low: weighted as u32, cut: cut as u32, written: 1 }
    }
}

/// A selection made ready for permutations.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Scores and cuts.
    pub selection: Selection,
    /// How places are drawn; nothing else of it is used.
    draws: Draws,
}

impl Plan {
    /// Prepares permutations of `selection`: place `j` swaps with one of the places from `j` on.
    pub fn new(selection: Selection, seed: u64) -> Self {
        let n = selection.scores.len() as u32;
        let n_slots = selection.cuts.last().map_or(0, |cut| cut.n_upper);
        let width = Width::of(n);
        let slot = |j: u32| {
            let bound = n - j;
            Slot { bound, threshold: draw::rejection_threshold(width, bound), base: j }
        };
        let draws = Draws {
            slots: (0..n_slots).map(slot).collect(),
            units: Vec::new(),
            n_times: 0,
            words_per_time: 1,
            width,
            start: 1.0,
            seed,
            stream: Stream::Permutation,
            nested: None,
        };
        Self { selection, draws }
    }

    /// How each place draws `[n_slots]`.
    pub fn slots(&self) -> &[Slot] {
        &self.draws.slots
    }

    /// The uniforms of a dispatch of `n_permutations` from `first`.
    pub fn uniforms(&self, first: u64, n_permutations: u32, stride: u32) -> Uniforms {
        let [key_0, key_1] = philox::key_of_seed(self.draws.seed);
        Uniforms {
            key_0,
            key_1,
            first_low: first as u32,
            first_high: (first >> 32) as u32,
            n_permutations,
            n_scores: self.selection.scores.len() as u32,
            n_slots: self.draws.slots.len() as u32,
            n_cuts: self.selection.cuts.len() as u32,
            narrow: u32::from(self.draws.width == Width::Narrow),
            stride,
            stream: self.draws.stream as u32,
            padding_0: 0,
        }
    }

    /// The shuffled places of permutation `number` up to the largest upper group: which place of
    /// the data's order by falling marker each takes its score from.
    pub fn order(&self, number: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.selection.scores.len()).collect();
        for slot in 0..self.draws.slots.len() {
            order.swap(slot, self.draws.draw(number, slot) as usize);
        }
        order.truncate(self.draws.slots.len());
        order
    }
}

/// CPU twin: permutations `first ..` into `out`. `set` chooses the lanes, never the answer.
pub fn cpu(plan: &Plan, set: InstructionSet, first: u64, out: &mut [Maximum]) {
    run_with(set, Batch { plan, first, out });
}

struct Batch<'a> {
    plan: &'a Plan,
    first: u64,
    out: &'a mut [Maximum],
}

impl LaneWork for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { plan, first, out } = self;
        let Selection { scores, cuts, .. } = &plan.selection;
        let n = scores.len();
        // Of each place, the cut whose upper group ends with it.
        let mut cut_at = vec![usize::MAX; plan.draws.slots.len()];
        for (index, cut) in cuts.iter().enumerate() {
            cut_at[cut.n_upper as usize - 1] = index;
        }
        let drawer = Drawer::new(lanes, &plan.draws, Stream::Permutation);
        let mut shuffled = vec![0_i32; n * L::N];
        let (mut sums, mut largest) = (vec![0_i32; L::N], vec![(0_u64, 0_usize); L::N]);
        for (group, out) in out.chunks_mut(L::N).enumerate() {
            shuffled.chunks_exact_mut(n).for_each(|lane| lane.copy_from_slice(scores));
            sums.fill(0);
            largest.fill((0, 0));
            drawer.draw(lanes, first + (group * L::N) as u64, |slot, lane, other| {
                let there = lane * n + other as usize;
                sums[lane] = sums[lane].wrapping_add(shuffled[there]);
                shuffled[there] = shuffled[lane * n + slot];
                if let Some(cut) = cuts.get(cut_at[slot]) {
                    let weighted = cut.weighted(sums[lane]);
                    if weighted > largest[lane].0 {
                        largest[lane] = (weighted, cut_at[slot]);
                    }
                }
            });
            for (out, &largest) in out.iter_mut().zip(&largest) {
                *out = Maximum::of(largest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(n: usize, seed: u64) -> Plan {
        let word = |i: usize, which: usize| {
            let words = philox::philox4x32(philox::key_of_seed(seed), [i as u32, 0, 0, u32::MAX]);
            f64::from(words[which]) / 4_294_967_296.0
        };
        let time: Vec<f64> = (0..n).map(|i| (word(i, 0) * 50.0).ceil()).collect();
        let event: Vec<bool> = (0..n).map(|i| word(i, 1) < 0.5).collect();
        let marker: Vec<f64> = (0..n).map(|i| (word(i, 2) * n as f64 / 2.0).floor()).collect();
        let selection = Selection::new(&time, &event, &marker, n.div_ceil(10)).expect("cuts");
        Plan::new(selection, seed)
    }

    #[test]
    fn every_instruction_set_gives_the_same_words() {
        for n in [7, 60, 300, 4_100] {
            let plan = plan(n, 3);
            let first = u64::from(u32::MAX) - 50;
            let mut scalar = vec![POISON; 103];
            cpu(&plan, InstructionSet::Scalar, first, &mut scalar);
            for set in InstructionSet::available() {
                let mut wide = vec![POISON; 103];
                cpu(&plan, set, first, &mut wide);
                assert_eq!(scalar, wide, "n {n}, {}", set.name());
            }
        }
    }

    #[test]
    fn a_permutation_is_the_selection_of_its_shuffled_scores() {
        for n in [7, 60, 4_100] {
            let plan = plan(n, 5);
            let mut maxima = vec![POISON; 40];
            cpu(&plan, InstructionSet::best(), 1_000, &mut maxima);
            for (number, maximum) in (1_000..).zip(&maxima) {
                let order = plan.order(number);
                let scores = order.iter().map(|&place| plan.selection.scores[place]);
                let expected = plan.selection.maximum_of(scores);
                assert_eq!(maximum.value(), Some(expected), "permutation {number} of n {n}");
            }
        }
    }

    #[test]
    fn words_that_no_kernel_wrote_have_no_value() {
        assert_eq!(POISON.value(), None, "poison");
        assert_eq!(Maximum::zeroed().value(), None, "a buffer's zeros");
    }
}
