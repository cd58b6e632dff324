//! Statistics of the survival curves of two arms, resampled or with the arms shuffled: quantiles,
//! restricted means, survival at a time, log-rank; one replicate an invocation (WGSL) or a lane.
//!
//! # Method
//! Draws become counts of deaths and leavers by arm and grid time, as exact integers. A quantile is
//! left as the numbers of the grid times at which each arm's curve comes down to the level and goes
//! below it: integers, so that every device gives the same time. The other statistics are the
//! difference of the arms (arm 1 less arm 0) and its variance; of the log-rank test, the deaths of
//! arm 1 less those expected, and their variance. Going back in time, with `A` the area (or
//! survival) after a time relative to S there, a death time takes `A <- q A` and `V <- q^2 V + A^2 d q / n^2`,
//! `q = (n - d) / n`: that is Greenwood's sum without S.
//!
//! # Source
//! As `KaplanMeier`, `Rmst` and `fit_logrank` of [`crate::survival`]; arithmetic of the shader and
//! its error: `docs/methods.md`.
//!
//! # Twin and shader
//! same: draws, counts, statuses, and the numbers of quantiles. Differs on purpose: the twin, which
//! users without a GPU run, computes in `f64`; the shader takes S as an integer multiple of 2^-48,
//! areas and expectations as 64-bit integers, variances in singles. A curve that comes too near the
//! edge of "equals the level" for those integers to decide is handed back ([`Replicate::NeedsHost`]).

mod plan;
mod reading;

pub use plan::{CurveDraws, CurvePlan};

use super::hazard_ratio_bootstrap::Unit;
use super::lanes::{InstructionSet, LaneWork, Lanes, Scalar, run_with};
use super::scatter::Drawer;
use super::{Binding, KernelInfo};
use crate::numeric::draw::Stream;
use bytemuck::{Pod, Zeroable};
use reading::read_off;

/// Largest difference of a value between shader and twin, in parts of tau for restricted means and
/// in survival itself: S is 2^-48 too low a death time, 2.4e-10 in the largest cohort; for areas it is
/// cut to 2^-31, 4.7e-10, and times are rounded by 2^-32 tau, 2.3e-10 to either side in each arm. Cuts
/// of the two arms offset each other: 1.2e-9 at most. The log-rank excess: [`CurvePlan::tolerance`].
pub const TOLERANCE: f64 = 1.5e-9;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "curve_bootstrap",
    source: include_str!("../../shaders/curve_bootstrap.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Storage { name: "units" },
        Binding::Storage { name: "begin" },
        Binding::Storage { name: "widths" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "replicates" },
    ],
};

/// How near to a level a curve counts as equal to it, as R's `quantile.survfit`.
const LEVEL_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Low word of the seed.
    pub key_0: u32,
    /// High word of the seed.
    pub key_1: u32,
    /// Low word of the first replicate's number.
    pub first_low: u32,
    /// High word of the first replicate's number.
    pub first_high: u32,
    /// Number of replicates.
    pub n_replicates: u32,
    /// Number of draws a replicate.
    pub n_slots: u32,
    /// Number of grid times.
    pub n_times: u32,
    /// 1: eight bits a count, one word a grid time; 2: sixteen bits, two words.
    pub words_per_time: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Number of replicates the scratch holds a column for.
    pub stride: u32,
    /// Purpose of the draws ([`Stream`]).
    pub stream: u32,
    /// Replicates of each outer resample; 0 for plain resamples.
    pub per_outer: u32,
    /// Number of the outer resample whose units come first.
    pub first_outer: u32,
    /// Which [`CurveStatistic`].
    pub mode: u32,
    /// Number of units that are shuffled; 0 where they are drawn with replacement.
    pub n_shuffled: u32,
    /// How near to an edge, in units of 2^-48, a curve is handed back.
    pub doubt: u32,
    /// High word of the level, plus its tolerance, in units of 2^-48.
    pub upper_high: u32,
    /// Its low word.
    pub upper_low: u32,
    /// High word of the level, less its tolerance.
    pub lower_high: u32,
    /// Its low word.
    pub lower_low: u32,
}

/// What is read off the curves of a replicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CurveStatistic {
    /// Where each arm's curve comes down to `level`.
    Quantile {
        /// Survival at the quantile: 0.5 for the median.
        level: f64,
    },
    /// Restricted mean up to `tau`.
    RestrictedMean {
        /// The horizon, above 0.
        tau: f64,
    },
    /// Survival at `time`.
    SurvivalAt {
        /// The time.
        time: f64,
    },
    /// Deaths of arm 1 less those expected.
    LogRank,
}

/// What a replicate leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Replicate {
    /// No kernel has written it.
    Unwritten,
    /// Everybody drawn is of one arm.
    SingleGroup,
    /// A curve does not come down to the level, or is not known at the time.
    NotReached,
    /// Nobody dies while both arms are at risk and somebody stays.
    NoEvents,
    /// The shader's integers do not decide; [`solve_on_host`] does.
    NeedsHost,
    /// Of each arm, the numbers from 1 of the grid times at which S is first at the level or below,
    /// and first below it; the second is 0 where S stays at the level.
    Crossings([[u16; 2]; 2]),
    /// A value and its variance; 0 where it has none.
    Moments {
        /// Arm 1 less arm 0, or observed less expected.
        value: f64,
        /// Its variance.
        variance: f64,
    },
}

/// CPU twin: replicates `first ..` into `out`. `set` chooses the lanes, never the answer.
pub fn cpu(plan: &CurvePlan, set: InstructionSet, first: u64, out: &mut [Replicate]) {
    let draws = &plan.draws;
    let per_outer = draws.nested.map_or(u64::MAX, |nested| u64::from(nested.per_outer));
    let (mut first, mut out) = (first, out);
    // Lanes share their units: a run of replicates ends with its outer resample.
    while !out.is_empty() {
        let left = per_outer - first % per_outer;
        let n = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let (now, later) = out.split_at_mut(n);
        let (first_unit, stream, number) = draws.place(first);
        let n_units = plan.arm.len();
        let units = &draws.units[first_unit..][..n_units];
        run_with(set, Batch { plan, units, stream, first: number, out: now });
        (first, out) = (first + n as u64, later);
    }
}

/// One replicate by the twin, for those the shader hands back.
pub fn solve_on_host(plan: &CurvePlan, replicate: u64) -> Replicate {
    let mut out = [Replicate::Unwritten];
    cpu(plan, InstructionSet::Scalar, replicate, &mut out);
    out[0]
}

/// The statistic of a sample of `subjects` (in the order of the units, repeats allowed) of a plan
/// that draws with replacement.
pub fn solve_sample(plan: &CurvePlan, subjects: impl Iterator<Item = usize>) -> Replicate {
    let mut counts = plan.begin.clone();
    for subject in subjects {
        let Unit { word, increment } = plan.draws.units[subject];
        counts[word as usize] += increment;
    }
    let mut out = [Replicate::Unwritten];
    read_off(Scalar, plan, &counts, &mut out);
    out[0]
}

struct Batch<'a> {
    plan: &'a CurvePlan,
    units: &'a [Unit],
    stream: Stream,
    /// Number of the first replicate in the stream.
    first: u64,
    out: &'a mut [Replicate],
}

impl LaneWork for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { plan, units, stream, .. } = self;
        let n = units.len();
        let begin: Vec<u32> =
            plan.begin.iter().flat_map(|&word| std::iter::repeat_n(word, L::N)).collect();
        let mut counts = begin.clone();
        let in_order: Vec<u32> = (0..n as u32).collect();
        let mut order = vec![0_u32; if plan.permutes() { n * L::N } else { 0 }];
        let drawer = Drawer::new(lanes, &plan.draws, stream);
        for (group, out) in self.out.chunks_mut(L::N).enumerate() {
            let first = self.first + (group * L::N) as u64;
            counts.copy_from_slice(&begin);
            let mut add = |lane: usize, unit: u32| {
                let Unit { word, increment } = units[unit as usize];
                let count = &mut counts[word as usize * L::N + lane];
                *count = count.wrapping_add(increment);
            };
            if plan.permutes() {
                order.chunks_exact_mut(n).for_each(|order| order.copy_from_slice(&in_order));
                drawer.draw(lanes, first, |slot, lane, other| {
                    order.swap(lane * n + slot, lane * n + other as usize);
                    add(lane, order[lane * n + slot]);
                });
            } else {
                drawer.draw(lanes, first, |_, lane, unit| add(lane, unit));
            }
            read_off(lanes, plan, &counts, out);
        }
    }
}
