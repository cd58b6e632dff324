//! The variables of the iteration in memory: rows of vectors of eight pixels.

use super::super::lanes::{Eight, Octet};
use super::SQUARED_UNIT;
use crate::imaging::{ContourInput, Mask, Plane, gathered_eight};
use bytemuck::{pod_align_to, pod_align_to_mut};

/// Vectors whose sums are rounded together: 64 pixels of a row.
pub(super) const SEGMENT: usize = 8;

/// Force of pixels right of the last column: they stay 0.
const OUTSIDE: f32 = 1e30;

/// Step sizes of one iteration.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Step {
    /// Of the dual variable.
    pub sigma: f32,
    /// Of the indicator.
    pub tau: f32,
    /// Extrapolation of the indicator after the step.
    pub theta: f32,
    /// Unused; keeps the struct at 16 bytes.
    pub padding: u32,
}

/// The never-ending sequence of step sizes, computed in `f64`.
#[derive(Clone, Debug)]
pub struct StepSizes {
    sigma: f64,
    tau: f64,
}

impl StepSizes {
    /// Both steps start at 1 / 2.9, just inside the bound `sigma tau |grad|^2 <= 1`, `|grad|^2 <= 8`.
    pub fn start() -> Self {
        Self { sigma: 1.0 / 2.9, tau: 1.0 / 2.9 }
    }
}

impl Iterator for StepSizes {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let theta = 1.0 / (1.0 + 2.0 * self.tau).sqrt();
        let step = Step {
            sigma: self.sigma as f32,
            tau: self.tau as f32,
            theta: theta as f32,
            padding: 0,
        };
        self.tau *= theta;
        self.sigma /= theta;
        Some(step)
    }
}

/// How much one iteration changed the indicator, in integers: they add up the same in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Sum of squared changes in units of 2^-40, each 64 pixels' sum truncated; at most 2^64 - 1.
    pub change: u64,
    /// Sum of squared indicators before, in units of 2^-24, each pixel's truncated.
    pub squared: u64,
}

/// What an iteration adds to its sums.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) change: u64,
    /// Of squared indicators: the sum itself of a dense sweep, the difference of a resting one.
    pub(super) squared: i64,
    /// Vectors that were worked on; only counted where it is asked for.
    pub(super) n_worked: usize,
}

impl Sums {
    /// Adds the sums of 64 pixels.
    #[inline(always)]
    pub(super) fn add_segment(&mut self, change: f32, squared: i32) {
        let units = (f64::from(change) * (1_u64 << 40) as f64) as u64;
        self.change = self.change.saturating_add(units);
        self.squared += i64::from(squared);
    }
}

/// Pixels of a vector that came to lie on the other side of 0.5.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flip {
    /// Iteration of the sweep.
    pub(super) trail: u32,
    /// Index of the vector in the field.
    pub(super) index: u32,
    /// Bit a lane.
    pub(super) lanes: u8,
}

/// `[rows x width]` vectors of zeros, aligned; memory that stays 0 is never touched.
pub(super) struct Grid {
    singles: Vec<f32>,
    n: usize,
}

impl Grid {
    fn zeros(n: usize) -> Self {
        Self { singles: vec![0.0; 8 * (n + 1)], n }
    }

    #[inline(always)]
    pub(super) fn vectors(&self) -> &[Eight] {
        &pod_align_to::<f32, Eight>(&self.singles).1[..self.n]
    }

    #[inline(always)]
    pub(super) fn vectors_mut(&mut self) -> &mut [Eight] {
        &mut pod_align_to_mut::<f32, Eight>(&mut self.singles).1[..self.n]
    }
}

/// The variables on a grid; each plane is `[rows x width]`, padded with pixels that stay 0.
pub(super) struct Field {
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Vectors a row.
    pub(super) width: usize,
    /// Relaxed indicator `u` of the foreground, 0..1.
    pub(super) indicator: Grid,
    /// `ubar`: the indicator, extrapolated.
    pub(super) extrapolated: Grid,
    /// Dual variable to the right.
    pub(super) right: Grid,
    /// Dual variable down, after one row of zeros.
    pub(super) down: Grid,
    /// Force of the intensities on the indicator.
    pub(super) force: Grid,
    /// All bits set in lanes of a row's last vector that have a right neighbour.
    pub(super) edge: Eight,
    /// A copy of the last row while it stands for the row below itself.
    below_last: Grid,
    /// Bit a lane: the indicator is at least 0.5; of the last iteration whose flips were applied.
    pub(super) foreground: Vec<u8>,
    /// Flips of the sweep under way.
    pub(super) flips: Vec<Flip>,
}

impl Field {
    /// The field before the first iteration; `see` gets each vector's row, place in it, first guess
    /// and force.
    #[inline(always)]
    pub(super) fn start<O: Octet>(
        o: O,
        input: &ContourInput,
        lambda: f32,
        mut see: impl FnMut((usize, usize), u8, O::F),
    ) -> Self {
        let Plane { rows, cols, .. } = input.scaled;
        let width = cols.div_ceil(8);
        let last_lane = (cols + 7) % 8;
        let all_bits = f32::from_bits(u32::MAX);
        let mut field = Self {
            rows,
            cols,
            width,
            indicator: Grid::zeros(rows * width),
            extrapolated: Grid::zeros(rows * width),
            right: Grid::zeros(rows * width),
            down: Grid::zeros((rows + 1) * width),
            force: Grid::zeros(rows * width),
            edge: Eight(std::array::from_fn(|lane| if lane < last_lane { all_bits } else { 0.0 })),
            below_last: Grid::zeros(width),
            foreground: vec![0; rows * width],
            flips: Vec::new(),
        };
        let (mu0, mu1) = (o.splat(input.mu0 as f32), o.splat(input.mu1 as f32));
        let lambda = o.splat(lambda);
        let forces = field.force.vectors_mut();
        let (indicator, extrapolated) =
            (field.indicator.vectors_mut(), field.extrapolated.vectors_mut());
        for row in 0..rows {
            let of_row = row * cols..(row + 1) * cols;
            let scaled = input.scaled.pixels[of_row.clone()].chunks(8);
            let initial = input.initial.pixels[of_row].chunks(8);
            for (vector, (f, set)) in scaled.zip(initial).enumerate() {
                let index = row * width + vector;
                let of_eight = match f.try_into() {
                    Ok(eight) => eight,
                    Err(_) => std::array::from_fn(|lane| f.get(lane).copied().unwrap_or(0.0)),
                };
                let force = force(o, o.load(&Eight(of_eight)), mu0, mu1, lambda);
                o.store(force, &mut forces[index]);
                if f.len() < 8 {
                    forces[index].0[f.len()..].fill(OUTSIDE);
                }
                let bits = bits_of(set);
                if bits != 0 {
                    let u = std::array::from_fn(|lane| f32::from(bits >> lane & 1));
                    indicator[index] = Eight(u);
                    extrapolated[index] = Eight(u);
                    field.foreground[index] = bits;
                }
                see((row, vector), bits, o.load(&forces[index]));
            }
        }
        field
    }

    /// The parts of the field that one row's iteration touches.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize) -> Row<'_> {
        let width = self.width;
        let (begin, end) = (row * width, (row + 1) * width);
        let (done, rest) = self.down.vectors_mut().split_at_mut(end);
        let (here, below) = self.extrapolated.vectors_mut()[begin..].split_at_mut(width);
        let below = if row + 1 < self.rows {
            &below[..width]
        } else {
            // the gradient down is 0 on the last row
            let copy = self.below_last.vectors_mut();
            copy.copy_from_slice(here);
            copy
        };
        Row {
            indicator: &mut self.indicator.vectors_mut()[begin..end],
            extrapolated: here,
            below,
            right: &mut self.right.vectors_mut()[begin..end],
            down: &mut rest[..width],
            above: &done[begin..],
            force: &self.force.vectors()[begin..end],
            edge: &self.edge,
            flips: &mut self.flips,
            begin,
        }
    }

    /// Sum of squared indicators in units of 2^-24.
    pub(super) fn squared(&self) -> u64 {
        let of_pixel = |&u: &f32| u64::from((u * u * SQUARED_UNIT) as u32);
        self.indicator.vectors().iter().flat_map(|eight| &eight.0).map(of_pixel).sum()
    }

    /// Takes over the flips of the sweep's iterations up to `trail`; the others are forgotten.
    pub(super) fn apply_flips(&mut self, trail: usize) {
        for flip in self.flips.drain(..).filter(|flip| flip.trail as usize <= trail) {
            self.foreground[flip.index as usize] ^= flip.lanes;
        }
    }

    /// Pixels whose indicator was at least 0.5 after the last iteration whose flips were applied.
    pub(super) fn mask(&self) -> Mask {
        let mut pixels = vec![false; self.rows * self.cols];
        let rows = pixels.chunks_mut(self.cols).zip(self.foreground.chunks(self.width));
        for (pixels, foreground) in rows {
            for (pixels, &bits) in pixels.chunks_mut(8).zip(foreground) {
                if bits != 0 {
                    for (lane, pixel) in pixels.iter_mut().enumerate() {
                        *pixel = bits >> lane & 1 == 1;
                    }
                }
            }
        }
        Mask { rows: self.rows, cols: self.cols, pixels }
    }
}

/// Up to eight flags as bits, the first one lowest.
#[inline(always)]
fn bits_of(set: &[bool]) -> u8 {
    match <&[bool; 8]>::try_from(set) {
        Ok(eight) => gathered_eight(eight.map(u8::from)),
        Err(_) => set.iter().rev().fold(0, |bits, &set| bits << 1 | u8::from(set)),
    }
}

/// Force of the intensities on the indicator: `((f - mu1)^2 - (f - mu0)^2) / lambda`.
#[inline(always)]
fn force<O: Octet>(o: O, f: O::F, mu0: O::F, mu1: O::F, lambda: O::F) -> O::F {
    let (to_1, to_0) = (o.sub(f, mu1), o.sub(f, mu0));
    o.div(o.sub(o.mul(to_1, to_1), o.mul(to_0, to_0)), lambda)
}

/// One row of a field; all slices have the row's vectors.
pub(super) struct Row<'a> {
    pub(super) indicator: &'a mut [Eight],
    pub(super) extrapolated: &'a mut [Eight],
    /// `ubar` of the row below; of the row itself on the last one.
    pub(super) below: &'a [Eight],
    pub(super) right: &'a mut [Eight],
    pub(super) down: &'a mut [Eight],
    /// Dual variable down, of the row above.
    pub(super) above: &'a [Eight],
    pub(super) force: &'a [Eight],
    pub(super) edge: &'a Eight,
    pub(super) flips: &'a mut Vec<Flip>,
    /// Index of the row's first vector in the field.
    pub(super) begin: usize,
}

/// Notes which lanes of the eight vectors from `first` came to lie on the other side of 0.5, a byte
/// a vector.
#[cold]
#[inline(never)]
pub(super) fn note_flips(flips: &mut Vec<Flip>, trail: usize, first: usize, flipped: u64) {
    for (index, lanes) in (first as u32..).zip(flipped.to_le_bytes()) {
        if lanes != 0 {
            flips.push(Flip { trail: trail as u32, index, lanes });
        }
    }
}
