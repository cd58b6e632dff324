//! Marginal log likelihoods of joint models: every subject under many parameter vectors; one subject
//! under one vector an invocation (WGSL) or a lane.
//!
//! # Method
//! Adaptive quadrature over the random effects by the rules of [`crate::joint`], in singles. Nothing
//! large is computed: linear predictors, residuals, expected counts and log hazards are those of a
//! reference vector at each subject's mode there ([`LikelihoodTable`](crate::joint::LikelihoodTable), `f64`) plus a change; densities at
//! the nodes are taken from the mode's; `exp(x) - 1 - x` has its own series. What is left is a number
//! near 0, to which the host adds the subject's constant. The mode is found by Newton's method with
//! halved steps from the reference's; where it is not found, or the start is out of all proportion, the
//! contribution is [`BEYOND`].
//!
//! # Source
//! As [`crate::joint::fit_joint`]; arithmetic and its measured error: `docs/methods.md`, 2.10.
//!
//! # Twin and shader
//! same: every operation in its order, with exponential and logarithm written out, so that
//! contributions are equal bit for bit where a driver fuses nothing. What Mesa
//! would rewrite is not there; the shader says what that is.

mod arithmetic;
mod lane;
mod plan;

pub use plan::{Plan, Points};

use super::lanes::{InstructionSet, LaneWork, Lanes, run_with};
use super::{Binding, KernelInfo};
use bytemuck::{Pod, Zeroable};
use lane::{Point, Scratch};

/// Largest difference between a contribution, the subject's constant added, and that of
/// [`LikelihoodTable::by_subject`](crate::joint::LikelihoodTable::by_subject), per unit of `1 + |d|`, d the
/// difference of the contribution from that at the reference. Measured 4.4e-6 over the cases of the twin
/// test, up to 12 standard errors away in every parameter at once (`docs/methods.md`, 2.10).
pub const TOLERANCE: f64 = 1e-5;

/// A contribution that singles cannot give: the subject is impossible, or nearly so, under the
/// parameters. Below every other.
pub const BEYOND: f32 = f32::MIN;

/// What an output cell holds before a kernel writes it; kernels write the complement of a
/// contribution's bits, so that a buffer's zeros are not numbers either.
pub const POISON: f32 = f32::NAN;

/// Newton steps, those halved included.
const MOST_STEPS: u32 = 40;

/// The mode is found when a step would gain less than this in log density: nodes then lie within 5e-5 of
/// their spread, and the quadrature does not notice.
const ENOUGH_GAIN: f32 = 1e-9;

/// Where the steps ran out, the mode will do below this: 0.02 of the spread.
const TOLERATED_GAIN: f32 = 1e-4;

/// A step may lose this share of `1 + |log density|`, a few roundings.
const ROUNDING: f32 = 1e-6;

/// Log density at the reference's mode below which the middle of the random effects is tried.
const FAIR_START: f32 = -1e3;

/// Least log density at the start that is searched from: below, sums would leave the range of singles.
const LEAST_START: f32 = -1e9;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "joint_likelihood",
    source: include_str!("../../shaders/joint_likelihood.wgsl"),
    common: &[],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "subjects" },
        Binding::Storage { name: "numbers" },
        Binding::Storage { name: "points" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "contributions" },
    ],
};

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// First contribution, counted subject by subject.
    pub first: u32,
    /// Number of contributions.
    pub n_contributions: u32,
    /// Number of parameter vectors.
    pub n_points: u32,
    /// Words between two parameters of a vector.
    pub point_stride: u32,
    /// Fixed effects of the marker.
    pub n_fixed: u32,
    /// Covariates of the hazard.
    pub n_covariates: u32,
    /// Links to the trajectory.
    pub n_links: u32,
    /// Parameters of the baseline that matter at a time.
    pub basis_width: u32,
    /// Nodes of the second random effect, 1 without.
    pub n_outer: u32,
    /// Nodes of the first.
    pub n_inner: u32,
    /// 1: counts, 0: normal markers.
    pub poisson: u32,
    /// 1: the random slope acts on the hazard by time.
    pub timed: u32,
    /// Most visits of a subject.
    pub most_visits: u32,
    /// Most masses of a subject: times of the integral, or 1.
    pub most_masses: u32,
    /// Contributions the scratch holds a column for.
    pub stride: u32,
    /// Unused; keeps the struct a multiple of 16 bytes.
    pub padding_0: u32,
}

/// Where the numbers of a subject lie.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Subject {
    /// First word of the visits.
    pub visits: u32,
    /// Number of visits.
    pub n_visits: u32,
    /// First word of the times of the hazard.
    pub nodes: u32,
    /// Times of the integral; the end of follow-up comes after them.
    pub n_nodes: u32,
    /// First word of the covariates of the hazard.
    pub covariates: u32,
    /// 1: follow-up ended in an event, else 0.
    pub event: f32,
    /// Reference mode of the first random effect, standardised.
    pub mode_0: f32,
    /// Of the second.
    pub mode_1: f32,
}

/// CPU twin: contributions `first ..` of `[n_subjects x n_points]`, parameter vectors fastest, into
/// `out`. `set` chooses the lanes, never the answer.
pub fn cpu(plan: &Plan, points: &Points, set: InstructionSet, first: usize, out: &mut [f32]) {
    run_with(set, Batch { plan, points, first, out });
}

struct Batch<'a> {
    plan: &'a Plan,
    points: &'a Points,
    first: usize,
    out: &'a mut [f32],
}

impl LaneWork for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { plan, points, first, mut out } = self;
        let mut scratch = Scratch::of(lanes, plan);
        let mut words = vec![0_u32; L::N];
        let mut at = first;
        while !out.is_empty() {
            let (i, k) = (at / points.len(), at % points.len());
            let n = L::N.min(points.len() - k).min(out.len());
            let point = Point::load(lanes, points, k);
            let contributions = lane::contributions(lanes, plan, &point, i, &mut scratch);
            lanes.store(lanes.bits(contributions), &mut words);
            let (now, later) = out.split_at_mut(n);
            for (out, &word) in now.iter_mut().zip(&words) {
                *out = f32::from_bits(word);
            }
            (at, out) = (at + n, later);
        }
    }
}
