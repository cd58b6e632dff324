//! Cox model of several columns, resampled: log hazard ratio of one term and its standard error,
//! eight replicates at a time.
//!
//! # Method
//! Newton's method on standardised columns from the estimate of the data as given, steps halved
//! where the slope along them turns. A row drawn `m` times stands `m` times in the risk set and,
//! if it fails, is `m` tied deaths in Efron's correction; with case weights each copy keeps its
//! weight. Score and information come from two walks over the event times: down, for the sums over
//! the risk set and each event's mean of the columns; up, for the cumulative hazard `H_i` of each
//! row, since the sum over event times of the mean of `x x'` is the sum over rows of
//! `r_i H_i x_i x_i'`. So an event costs a mean, not a matrix.
//!
//! # Statuses
//! What is called estimable has converged: the score is below 1e-8 standard errors, the last step
//! is short, every pivot of the information is positive and no column is nearly a combination of
//! the others. Anything else is handed back ([`Status::NeedsHost`]) and decided by the exact rules
//! of [`crate::survival::fit_cox`].
//!
//! # Twin and shader
//! Same: draws bit for bit, both walks, the order of every sum, the rules of acceptance. Differs on
//! purpose: the twin works in `f64` (`exp` too), the shader in singles. What the shader does not
//! trust, and every replicate of a plan it does not take ([`on_device`]), is solved by the twin.
//!
//! # Source
//! Therneau and Grambsch 2000, chapter 3; Efron, JASA 72 (1977) 557; Firth's penalty: Heinze and
//! Schemper 2001, Biometrics 57:114; `docs/methods.md`, 2.3.

mod device;
mod factor;
mod newton;
mod penalty;
mod plan;

pub use device::{
    DeviceInputs, MOST_COLUMNS_ON_DEVICE, MOST_ROWS_ON_DEVICE, of_words, on_device, wgsl,
};
pub use plan::{EventTime, Plan, Scheme};

use super::lanes::{EIGHT, InstructionSet, LaneWork, Lanes, run_with};
use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};
use newton::{MOST_COLUMNS, Work, solve_eight};

/// Largest error of the shader's log hazard ratio, in units of `1 / sd` of its column, against the
/// twin.
///
/// The score is a sum over the deaths of means of standardised columns, each right to a few units
/// of 2^-24 times the largest value, some 1e-6; such errors add up like a random walk, so over D
/// deaths to 1e-6 sqrt(D), and the step divides them by an information of the order of D, at least
/// 0.5 for the term of interest with the others taken out. That is 1e-6 and less where the model is
/// sound and 1e-4 in the worst replicate that is accepted; the distance left by the last step, 1e-7
/// squared standard errors at most 1.4 wide, is below 1e-6. Measured over the twin test's cases:
/// see `docs/methods.md`, 2.3.
pub const TOLERANCE: f64 = 2e-4;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "cox_bootstrap",
    source: include_str!("../../shaders/cox_bootstrap.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Storage { name: "units" },
        Binding::Storage { name: "members" },
        Binding::Storage { name: "numbers" },
        Binding::Storage { name: "times" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "replicates" },
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
    /// Low word of the first replicate's number.
    pub first_low: u32,
    /// High word of the first replicate's number.
    pub first_high: u32,
    /// Number of replicates.
    pub n_replicates: u32,
    /// Number of draws a replicate.
    pub n_slots: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Number of replicates the scratch holds a column for.
    pub stride: u32,
    /// Purpose of the draws ([`Stream`](crate::numeric::draw::Stream)).
    pub stream: u32,
    /// Replicates of each outer resample; 0 for plain resamples.
    pub per_outer: u32,
    /// Number of the outer resample whose units come first.
    pub first_outer: u32,
    /// Number of rows.
    pub n_rows: u32,
    /// Number of event times.
    pub n_times: u32,
    /// 1: Efron's ties, 0: Breslow's.
    pub efron: u32,
    /// 1: rows have weights.
    pub weighted: u32,
    /// Where the leavers begin among the members; 0 without late entries.
    pub leavers: u32,
}

/// What became of a replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has a finite estimate.
    Estimable,
    /// No maximum was reached; the host decides why.
    NeedsHost,
    /// No kernel wrote it.
    Unwritten,
}

/// One replicate of the term of interest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replicate {
    /// Log hazard ratio; 0 unless estimable.
    pub coef: f64,
    /// Its standard error by the model; 0 unless estimable.
    pub std_err: f64,
    /// What became of it.
    pub status: Status,
}

/// What an output cell holds before a kernel writes it.
pub const UNWRITTEN: Replicate = Replicate { coef: 0.0, std_err: 0.0, status: Status::Unwritten };

/// CPU twin: replicates `first ..` into `out`. `set` chooses the instructions, never the answer.
pub fn cpu(plan: &Plan, set: InstructionSet, first: u64, out: &mut [Replicate]) {
    let numbers: Vec<u64> = (first..first + out.len() as u64).collect();
    cpu_of(plan, set, &numbers, out);
}

/// CPU twin: the replicates of these numbers, in any order; which ones stand together changes
/// nothing.
pub fn cpu_of(plan: &Plan, set: InstructionSet, numbers: &[u64], out: &mut [Replicate]) {
    if plan.p > MOST_COLUMNS || plan.times.is_empty() {
        out.fill(Replicate { status: Status::NeedsHost, ..UNWRITTEN });
        return;
    }
    run_with(set, Batch { plan, numbers, out });
}

struct Batch<'a> {
    plan: &'a Plan,
    numbers: &'a [u64],
    out: &'a mut [Replicate],
}

impl LaneWork for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { plan, numbers, out } = self;
        let mut copies = vec![0.0; plan.n_rows() * EIGHT];
        let mut mass = Vec::new();
        let mut work = Work::new(lanes, plan);
        for (numbers, out) in numbers.chunks(EIGHT).zip(out.chunks_mut(EIGHT)) {
            draw(plan, numbers, &mut copies, &mut mass);
            let mass = if mass.is_empty() { &copies } else { &mass };
            let (copies, work) = (&copies, &mut work);
            // One text, compiled once more for the models that are common; a build for tests leaves
            // these copies out, which take long to compile and give the same bits.
            let release = L::N > 1 && !cfg!(debug_assertions);
            match plan.p {
                _ if plan.firth => {
                    solve_eight::<L, true>(lanes, plan, plan.p, copies, mass, work, out);
                }
                2 if release => solve_eight::<L, false>(lanes, plan, 2, copies, mass, work, out),
                3 if release => solve_eight::<L, false>(lanes, plan, 3, copies, mass, work, out),
                5 if release => solve_eight::<L, false>(lanes, plan, 5, copies, mass, work, out),
                p => solve_eight::<L, false>(lanes, plan, p, copies, mass, work, out),
            }
        }
    }
}

/// Copies of each row in each replicate `[n_rows x 8]`, and copies times weight where they differ.
fn draw(plan: &Plan, numbers: &[u64], copies: &mut [f64], mass: &mut Vec<f64>) {
    if plan.scheme == Scheme::Weights {
        mass.resize(copies.len(), 0.0);
        copies.fill(0.0);
        let mut weights = vec![0.0; plan.resampling.n_draws()];
        for (lane, &number) in numbers.iter().enumerate() {
            plan.resampling.weights(number, &mut weights);
            for (unit, weight) in (0..).zip(&weights) {
                for &row in plan.members(unit) {
                    copies[row as usize * EIGHT + lane] = 1.0;
                    mass[row as usize * EIGHT + lane] = *weight;
                }
            }
        }
    } else {
        copies.fill(0.0);
        for (lane, &number) in numbers.iter().enumerate() {
            plan.each_unit(number, |unit| {
                for &row in plan.members(unit) {
                    copies[row as usize * EIGHT + lane] += 1.0;
                }
            });
        }
        if plan.weight.is_some() {
            mass.clear();
            mass.extend_from_slice(copies);
        }
    }
    if let Some(weight) = &plan.weight {
        for (mass, weight) in mass.chunks_exact_mut(EIGHT).zip(weight) {
            mass.iter_mut().for_each(|mass| *mass *= weight);
        }
    }
}
