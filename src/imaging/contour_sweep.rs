//! One pass of the contour's iteration over an image, several iterations at once.

use super::contour::Change;
use super::frame::Mask;

/// Partial sums a row is added up in; column c goes to lane c modulo this, whatever the machine.
const LANES: usize = 8;

/// Step sizes of one iteration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Of the dual variable.
    pub(super) sigma: f32,
    /// Of the indicator.
    pub(super) tau: f32,
    /// Extrapolation of the indicator after the step.
    pub(super) theta: f32,
}

/// The never-ending sequence of step sizes, computed in `f64`.
#[derive(Clone, Debug)]
pub(super) struct StepSizes {
    sigma: f64,
    tau: f64,
}

impl StepSizes {
    /// Both steps start at 1 / 2.9, just inside the bound sigma tau |grad|^2 <= 1, |grad|^2 <= 8.
    pub(super) fn start() -> Self {
        Self { sigma: 1.0 / 2.9, tau: 1.0 / 2.9 }
    }
}

impl Iterator for StepSizes {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let theta = 1.0 / (1.0 + 2.0 * self.tau).sqrt();
        let step = Step { sigma: self.sigma as f32, tau: self.tau as f32, theta: theta as f32 };
        self.tau *= theta;
        self.sigma /= theta;
        Some(step)
    }
}

/// The variables of the iteration on a `rows x cols` grid.
pub(super) struct Field {
    rows: usize,
    cols: usize,
    /// Relaxed indicator `u` of the foreground, 0..1.
    indicator: Vec<f32>,
    /// `ubar`: the indicator, extrapolated.
    extrapolated: Vec<f32>,
    /// Dual variable along columns of the image (to the right); each row starts with a 0 that
    /// belongs to no pixel.
    dual_right: Vec<f32>,
    /// Dual variable along rows (down), after one row of zeros that belongs to no pixel.
    dual_down: Vec<f32>,
}

impl Clone for Field {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows,
            cols: self.cols,
            indicator: self.indicator.clone(),
            extrapolated: self.extrapolated.clone(),
            dual_right: self.dual_right.clone(),
            dual_down: self.dual_down.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        (self.rows, self.cols) = (source.rows, source.cols);
        self.indicator.clone_from(&source.indicator);
        self.extrapolated.clone_from(&source.extrapolated);
        self.dual_right.clone_from(&source.dual_right);
        self.dual_down.clone_from(&source.dual_down);
    }
}

impl Field {
    /// The field before the first iteration.
    pub(super) fn start(initial: &Mask) -> Self {
        let (rows, cols) = (initial.rows, initial.cols);
        let indicator: Vec<f32> =
            initial.pixels.iter().map(|&set| if set { 1.0 } else { 0.0 }).collect();
        Self {
            rows,
            cols,
            extrapolated: indicator.clone(),
            indicator,
            dual_right: vec![0.0; rows * (cols + 1)],
            dual_down: vec![0.0; (rows + 1) * cols],
        }
    }

    /// Pixels whose indicator is at least 0.5.
    pub(super) fn foreground(&self) -> Mask {
        let pixels = self.indicator.iter().map(|&value| value >= 0.5).collect();
        Mask { rows: self.rows, cols: self.cols, pixels }
    }

    /// Does one iteration a step, all in one sweep down the image.
    ///
    /// Iteration k works a row above iteration k - 1: it needs that one's rows r and r + 1 when it
    /// does row r, and overwrites nothing that one still reads.
    pub(super) fn sweep(&mut self, force: &[f32], steps: &[Step]) -> Vec<Change> {
        let mut changes = vec![Change::default(); steps.len()];
        if self.cols == 0 {
            return changes;
        }
        for front in 0..self.rows + steps.len() - 1 {
            for (trail, (&step, change)) in steps.iter().zip(&mut changes).enumerate() {
                if trail <= front && front - trail < self.rows {
                    self.sweep_row(force, front - trail, step, change);
                }
            }
        }
        changes
    }

    /// One iteration of one row: first the dual variables, then the indicator.
    fn sweep_row(&mut self, force: &[f32], row: usize, step: Step, change: &mut Change) {
        let cols = self.cols;
        let (done, rest) = self.dual_down.split_at_mut((row + 1) * cols);
        let dual_above = &done[row * cols..];
        let dual_down = &mut rest[..cols];
        let dual_right = &mut self.dual_right[row * (cols + 1)..][..cols + 1];
        let (here, below) = self.extrapolated[row * cols..].split_at_mut(cols);
        if row + 1 < self.rows {
            dual_row(&mut dual_right[1..], dual_down, here, &below[..cols], step.sigma);
        } else {
            dual_row(&mut dual_right[1..], dual_down, here, here, step.sigma);
        }
        let indicator = &mut self.indicator[row * cols..][..cols];
        let duals = Duals {
            left: &dual_right[..cols],
            right: &dual_right[1..],
            down: dual_down,
            above: dual_above,
        };
        let sums = indicator_row(indicator, here, &duals, &force[row * cols..][..cols], step);
        change.squared_change += sums.squared_change;
        change.squared_indicator += sums.squared_indicator;
    }
}

/// The dual step of a row: `p = q / max(1, |q|)` with `q = p + sigma grad(ubar)`.
fn dual_row(right: &mut [f32], down: &mut [f32], here: &[f32], below: &[f32], sigma: f32) {
    let inner = here.len() - 1;
    // the last column has no right neighbour: its gradient to the right is 0, and so is p
    let q_down = down[inner] + sigma * (below[inner] - here[inner]);
    down[inner] = q_down * shrink_to_unit(q_down * q_down);
    // slices of one length, so that the loop has no bounds to check and becomes vectors
    let (right, down) = (&mut right[..inner], &mut down[..inner]);
    let (here, next, below) = (&here[..inner], &here[1..][..inner], &below[..inner]);
    for col in 0..inner {
        let q_right = right[col] + sigma * (next[col] - here[col]);
        let q_down = down[col] + sigma * (below[col] - here[col]);
        let shrink = shrink_to_unit(q_right * q_right + q_down * q_down);
        right[col] = q_right * shrink;
        down[col] = q_down * shrink;
    }
}

/// `1 / max(1, length)` of a vector, from its squared length.
fn shrink_to_unit(squared_length: f32) -> f32 {
    let at_least_one = if squared_length > 1.0 { squared_length } else { 1.0 };
    1.0 / at_least_one.sqrt()
}

/// Dual variables a row of the indicator depends on.
struct Duals<'a> {
    /// To the right, of the left neighbours.
    left: &'a [f32],
    /// To the right, of the pixels themselves.
    right: &'a [f32],
    /// Down, of the pixels themselves.
    down: &'a [f32],
    /// Down, of the pixels above.
    above: &'a [f32],
}

/// The indicator's step of a row: `u' = clamp(u + tau (div p - force))`, `ubar = u' + theta (u' - u)`.
///
/// Three plain passes over a row, which is in the nearest cache; `extrapolated` holds u' between.
fn indicator_row(
    indicator: &mut [f32],
    extrapolated: &mut [f32],
    duals: &Duals<'_>,
    force: &[f32],
    step: Step,
) -> Change {
    let cols = indicator.len();
    let (left, right) = (&duals.left[..cols], &duals.right[..cols]);
    let (down, above, force) = (&duals.down[..cols], &duals.above[..cols], &force[..cols]);
    let extrapolated = &mut extrapolated[..cols];
    for col in 0..cols {
        let divergence = (right[col] - left[col]) + (down[col] - above[col]);
        extrapolated[col] = clamp_to_unit(indicator[col] + step.tau * (divergence - force[col]));
    }
    let change = row_change(indicator, extrapolated);
    for (old, new) in indicator.iter_mut().zip(extrapolated) {
        let moved = *new - *old;
        *old = *new;
        *new += step.theta * moved;
    }
    change
}

/// Sums of a row in [`LANES`] partial sums.
fn row_change(old: &[f32], new: &[f32]) -> Change {
    let mut squared_change = [0.0_f32; LANES];
    let mut squared_indicator = [0.0_f32; LANES];
    let (old_chunks, old_rest) = old.as_chunks::<LANES>();
    let (new_chunks, new_rest) = new.as_chunks::<LANES>();
    for (old, new) in old_chunks.iter().zip(new_chunks) {
        let moved: [f32; LANES] = std::array::from_fn(|lane| new[lane] - old[lane]);
        squared_change =
            std::array::from_fn(|lane| squared_change[lane] + moved[lane] * moved[lane]);
        squared_indicator =
            std::array::from_fn(|lane| squared_indicator[lane] + old[lane] * old[lane]);
    }
    for (lane, (&old, &new)) in old_rest.iter().zip(new_rest).enumerate() {
        squared_change[lane] += (new - old) * (new - old);
        squared_indicator[lane] += old * old;
    }
    let total = |lanes: [f32; LANES]| lanes.iter().map(|&lane| f64::from(lane)).sum();
    Change { squared_change: total(squared_change), squared_indicator: total(squared_indicator) }
}

/// 0 for what is not above 0 (or not a number), at most 1.
fn clamp_to_unit(value: f32) -> f32 {
    let positive = if value > 0.0 { value } else { 0.0 };
    if positive < 1.0 { positive } else { 1.0 }
}
