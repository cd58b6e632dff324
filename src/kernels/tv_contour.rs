//! The outline of a channel's foreground: a total-variation contour.
//!
//! Minimises the length of the outline plus `1 / lambda` times the squared distances of the scaled
//! intensities to the means of their classes, over indicators relaxed to 0..1, in single precision.
//! One iteration is a dual step on `p`, two singles a pixel, and a primal step on the indicator `u`:
//!
//! ```text
//! p    <- q / max(1, |q|),  q = p + sigma grad(ubar)     forward differences, 0 at the far edges
//! u'   <- clamp(u + tau (div p - force), 0, 1),  force = ((f - mu1)^2 - (f - mu0)^2) / lambda
//! ubar <- u' + theta (u' - u)
//! ```
//!
//! # Source
//! Chan, Esedoglu and Nikolova 2006, SIAM J. Appl. Math. 66:1632 (the convex model); Chambolle and
//! Pock 2011, J. Math. Imaging Vis. 40:120, algorithm 2 (accelerated, gamma 1); stopping rule of
//! ACCEPT.
//!
//! # Twin and shader
//! | | twin | shader |
//! | --- | --- | --- |
//! | operations on a pixel | the same `+ - * / sqrt` in the same order | |
//! | sums of the stopping rule | integers of 64 bits | two words with a carry |
//! | pixels that cannot change | skipped, exactly | computed |
//! | iterations in flight | 8 in a sweep | one after the other |

mod dense;
mod field;
mod resting;
mod step;
#[cfg(test)]
mod tests;

pub use field::{Change, Step, StepSizes};

use super::lanes::{Octet, OctetWork, run_octet};
use super::{Binding, InstructionSet, KernelInfo};
use crate::imaging::{Contour, ContourInput, ContourSettings, Mask, Plane};
use bytemuck::{Pod, Zeroable};
use field::{Field, Sums};
use resting::Activity;

/// Every operation is rounded correctly on both sides and sums are integers: no difference is
/// allowed.
pub const TOLERANCE: u32 = 0;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "tv_contour",
    source: include_str!("../../shaders/tv_contour.wgsl"),
    common: &[],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "force" },
        Binding::Storage { name: "steps" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "indicator" },
        Binding::Output { name: "extrapolated" },
        Binding::Output { name: "dual" },
        Binding::Output { name: "state" },
    ],
};

/// Entries of the shader's `steps`; iteration i takes entry i modulo this.
pub const STEPS_AT_HAND: usize = 64;

/// Settings of one pass.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Rows of the image.
    pub rows: u32,
    /// Columns of the image.
    pub cols: u32,
    /// 0 dual step, 1 primal step, 2 whether to go on.
    pub pass_number: u32,
    /// `1e-13` times the number of pixels, in units of 2^-48.
    pub stop_factor: u32,
}

/// What the shader keeps between passes; sums are low word first.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct State {
    /// Iterations done.
    pub iterations: u32,
    /// 1 once the contour has stopped.
    pub stopped: u32,
    /// Sums of the iteration under way.
    pub sums: [[u32; 2]; 2],
    /// Sums of the last iteration.
    pub last: [[u32; 2]; 2],
    /// Unused; keeps the struct at 48 bytes.
    pub padding: [u32; 2],
}

impl State {
    /// Sums of the last iteration.
    pub fn last_change(&self) -> Change {
        let wide = |[low, high]: [u32; 2]| u64::from(high) << 32 | u64::from(low);
        Change { change: wide(self.last[0]), squared: wide(self.last[1]) }
    }
}

/// Units of a squared indicator.
const SQUARED_UNIT: f32 = (1 << 24) as f32;

/// Iterations in flight: each trails the one before by a row, so that rows stay in the cache.
const BLOCK: usize = 8;

/// A sweep over all vectors is faster when more than about this share of them is active.
const DENSE_ABOVE: f64 = 0.7;

/// The share from which a contour starts with dense sweeps: what is active at first wakes its
/// neighbours.
const START_DENSE_ABOVE: f64 = 0.6;

/// Dense sweeps after one that found too much active; doubled each time up to [`MOST_PATIENCE`].
/// The sweep that asks again may cost 1.4 times a dense one: 2 % to 12 % in all.
const FIRST_PATIENCE: usize = 3;
const MOST_PATIENCE: usize = 12;

/// The contour stops when an iteration changes it relatively by less than this, times the pixels.
const MIN_RELATIVE_CHANGE: f64 = 1e-13;

/// Which pixels an iteration goes over; the result is the same in every bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sweep {
    /// What seems faster, decided again every few iterations.
    #[default]
    Chosen,
    /// All pixels.
    Dense,
    /// Those that can change.
    Resting,
}

/// A contour and its last iteration's sums, which tell two runs apart that give the same mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlined {
    /// The foreground.
    pub contour: Contour,
    /// How much the last iteration changed the indicator.
    pub last_change: Change,
}

/// Evolves the first guess of a channel to its contour: the CPU twin.
///
/// Stops when an iteration's squared change, relative to the squared indicator **and divided by the
/// number of pixels**, is under 1e-13; an indicator that is 0 everywhere stops too. The result
/// depends on the input alone, in every bit.
///
/// ```
/// use herscope::imaging::{ContourInput, ContourSettings, Plane};
/// use herscope::kernels::{InstructionSet, tv_contour};
/// let bright = |index: usize| (4..12).contains(&(index / 16)) && (4..12).contains(&(index % 16));
/// let pixels = (0..256).map(|index| if bright(index) { 90.0 } else { 10.0 }).collect();
/// let input = ContourInput::prepare(&Plane::new(16, 16, pixels), 50.0, None);
/// let done = tv_contour::cpu(&input, ContourSettings::FULL_DETECTION, InstructionSet::best());
/// assert_eq!(done.contour.mask.count(), 64);
/// ```
pub fn cpu(input: &ContourInput, settings: ContourSettings, set: InstructionSet) -> Outlined {
    cpu_sweeping(input, settings, set, Sweep::Chosen)
}

/// The same with the choice of sweep given.
pub fn cpu_sweeping(
    input: &ContourInput,
    settings: ContourSettings,
    set: InstructionSet,
    sweep: Sweep,
) -> Outlined {
    if input.scaled.pixels.is_empty() {
        return without_pixels(input, settings);
    }
    run_octet(set, Evolution { input, settings, sweep })
}

/// Nothing to outline: the first iteration changes nothing.
pub(crate) fn without_pixels(input: &ContourInput, settings: ContourSettings) -> Outlined {
    let mask = Mask::empty(input.scaled.rows, input.scaled.cols);
    let iterations = settings.max_iterations.min(1);
    Outlined { contour: Contour { mask, iterations }, last_change: Change::default() }
}

/// `1e-13 N` in units of 2^-48: what [`stops`] compares with.
pub(crate) fn stop_factor(n_pixels: usize) -> u64 {
    (n_pixels as f64 * MIN_RELATIVE_CHANGE * (1_u64 << 48) as f64).round() as u64
}

/// Whether the iteration ends: `change / (squared N) < 1e-13`, or nothing changed.
///
/// In units `change 2^-40 < 1e-13 N squared 2^-24`, so exact in integers.
pub(crate) fn stops(sums: Change, stop_factor: u64) -> bool {
    let limit = u128::from(sums.squared) * u128::from(stop_factor);
    sums.change == 0 || u128::from(sums.change) << 32 < limit
}

/// Forces of all pixels, `[rows x cols]`, as the shader reads them.
pub fn forces(input: &ContourInput, lambda: f32) -> Vec<f32> {
    let means = (input.mu0, input.mu1);
    input.scaled.pixels.iter().map(|&f| force(f, means, lambda)).collect()
}

/// The force of a scaled intensity, with the class means `(mu0, mu1)`.
pub(super) fn force(f: f32, (mu0, mu1): (f64, f64), lambda: f32) -> f32 {
    let (mu0, mu1) = (mu0 as f32, mu1 as f32);
    ((f - mu1) * (f - mu1) - (f - mu0) * (f - mu0)) / lambda
}

struct Evolution<'a> {
    input: &'a ContourInput,
    settings: ContourSettings,
    sweep: Sweep,
}

impl OctetWork for Evolution<'_> {
    type Output = Outlined;

    #[inline(always)]
    fn run<O: Octet>(self, o: O) -> Outlined {
        let Self { input, settings, sweep } = self;
        let Plane { rows, cols, .. } = input.scaled;
        let mut activity = Activity::none(rows, cols.div_ceil(8));
        let mut field = Field::start(o, input, settings.lambda, |place, initial, force| {
            activity.see(o, place, initial, force);
        });
        activity.see_edges(&field);
        let mut choice = Choice::start(activity, rows * cols.div_ceil(8), sweep);
        let stop_factor = stop_factor(input.scaled.pixels.len());
        let mut step_sizes = StepSizes::start();
        let mut squared = (input.initial.count() as u64) << 24;
        let mut last_change = Change::default();
        let mut iterations = 0;
        while iterations < settings.max_iterations {
            let n_steps = BLOCK.min((settings.max_iterations - iterations) as usize);
            let mut steps = [Step::zeroed(); BLOCK];
            let (steps, mut sums) = (&mut steps[..n_steps], [Sums::default(); BLOCK]);
            steps.fill_with(|| step_sizes.next().expect("step sizes never end"));
            let sums = &mut sums[..n_steps];
            let is_dense = choice.dense_left > 0;
            if is_dense {
                dense::sweep(o, &mut field, steps, sums);
            } else {
                if choice.is_stale {
                    choice.activity.wake();
                    choice.is_stale = false;
                    squared = field.squared();
                }
                resting::sweep(o, &mut field, &mut choice.activity, steps, sums);
            }
            for (trail, sums) in sums.iter().enumerate() {
                iterations += 1;
                last_change.change = sums.change;
                if is_dense {
                    last_change.squared = sums.squared as u64;
                } else {
                    last_change.squared = squared;
                    squared = squared.wrapping_add_signed(sums.squared);
                }
                if stops(last_change, stop_factor) {
                    // later iterations were under way: their flips do not count
                    field.apply_flips(trail);
                    let contour = Contour { mask: field.mask(), iterations };
                    return Outlined { contour, last_change };
                }
            }
            field.apply_flips(n_steps);
            choice.learn(sums[n_steps - 1].n_worked);
        }
        Outlined { contour: Contour { mask: field.mask(), iterations }, last_change }
    }
}

/// Which sweep is next.
struct Choice {
    activity: Activity,
    n_vectors: usize,
    sweep: Sweep,
    /// Dense sweeps to come.
    dense_left: usize,
    /// Dense sweeps ran since the activity was known.
    is_stale: bool,
    patience: usize,
}

impl Choice {
    fn start(activity: Activity, n_vectors: usize, sweep: Sweep) -> Self {
        let many = activity.count() as f64 > START_DENSE_ABOVE * n_vectors as f64;
        let dense_left = match sweep {
            Sweep::Dense => 1,
            Sweep::Chosen if many => FIRST_PATIENCE,
            _ => 0,
        };
        let is_stale = dense_left > 0;
        Self { activity, n_vectors, sweep, dense_left, is_stale, patience: FIRST_PATIENCE }
    }

    /// Learns how many vectors the last iteration worked on (resting) or moved (dense).
    fn learn(&mut self, n_worked: usize) {
        let much = n_worked as f64 > DENSE_ABOVE * self.n_vectors as f64;
        match (self.sweep, self.dense_left) {
            (Sweep::Dense | Sweep::Resting, _) => {}
            (Sweep::Chosen, 0) if much => {
                self.dense_left = self.patience;
                self.patience = (2 * self.patience).min(MOST_PATIENCE);
                self.is_stale = true;
            }
            (Sweep::Chosen, 0) => {}
            // still too many move: no need to look closer
            (Sweep::Chosen, 1) if much => {}
            (Sweep::Chosen, _) => self.dense_left -= 1,
        }
    }
}
