//! The outline of a channel's foreground: a total-variation contour.

use super::contour_input::ContourInput;
use super::contour_sweep::{Field, StepSizes};
use super::frame::{Mask, Plane};

/// Iterations in flight: each trails the one before by a row, so that rows stay in the cache.
const BLOCK: usize = 8;

/// The contour stops when an iteration changes it relatively by less than this, times the pixels.
const MIN_RELATIVE_CHANGE: f64 = 1e-13;

/// The field is kept after a block when its change is within this factor of stopping, so that the
/// last block can be cut short without starting again. Copies of every block took a fifth
/// of the time.
const CHECKPOINT_FROM: f64 = 100.0;

/// How the contour is evolved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ContourSettings {
    /// Weight of the outline's length against the intensities; smaller follows more detail. 0.01
    /// for whole frames and 0.0005 for crops in ACCEPT.
    pub lambda: f32,
    /// The contour stops here at the latest; 200 in ACCEPT.
    pub max_iterations: u32,
}

impl ContourSettings {
    /// For whole frames: lambda 0.01, at most 200 iterations.
    pub const FULL_DETECTION: Self = Self { lambda: 0.01, max_iterations: 200 };
    /// For crops around known events: lambda 0.0005, at most 200 iterations.
    pub const MARKER_CHARACTERIZATION: Self = Self { lambda: 0.0005, max_iterations: 200 };
}

/// The foreground of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contour {
    /// Foreground pixels: where the relaxed indicator is at least 0.5.
    pub mask: Mask,
    /// Iterations done.
    pub iterations: u32,
}

/// Evolves the first guess of a channel to its contour.
///
/// Minimises the length of the outline plus `1 / lambda` times the squared distances of the scaled
/// intensities to the means of their classes, over indicators relaxed to 0..1, in single
/// precision. Stops when an iteration's squared change, relative to the squared indicator **and
/// divided by the number of pixels**, is under 1e-13; an indicator that is 0 everywhere stops too.
/// The result depends on the input alone, in every bit.
///
/// # Source
/// Chan, Esedoglu and Nikolova 2006, SIAM J. Appl. Math. 66:1632 (the convex model); Chambolle and
/// Pock 2011, J. Math. Imaging Vis. 40:120, algorithm 2 (accelerated, gamma 1); stopping rule of
/// ACCEPT.
pub fn evolve_contour(input: &ContourInput, settings: ContourSettings) -> Contour {
    let Plane { rows, cols, .. } = input.scaled;
    let force = fidelity(input, settings.lambda);
    let max_iterations = settings.max_iterations as usize;
    let mut state = State::start(input);
    let mut checkpoint: Option<State> = None;
    while state.iterations < max_iterations {
        let n_steps = BLOCK.min(max_iterations - state.iterations);
        let changes = state.advance(&force, n_steps);
        let relative = |change: &Change| change.relative_to(rows * cols);
        let stop = changes.iter().position(|change| is_below(relative(change), 1.0));
        if let Some(last) = stop {
            if last + 1 < n_steps {
                // later iterations were under way: repeat up to the one that stops
                let target = state.iterations - n_steps + last + 1;
                state = checkpoint.unwrap_or_else(|| State::start(input));
                while state.iterations < target {
                    state.advance(&force, BLOCK.min(target - state.iterations));
                }
            }
            break;
        }
        if changes.last().is_some_and(|change| is_below(relative(change), CHECKPOINT_FROM)) {
            match &mut checkpoint {
                Some(checkpoint) => checkpoint.clone_from(&state),
                None => checkpoint = Some(state.clone()),
            }
        }
    }
    Contour { mask: state.field.foreground(), iterations: state.iterations as u32 }
}

/// Where the iteration stands.
struct State {
    iterations: usize,
    step_sizes: StepSizes,
    field: Field,
}

impl Clone for State {
    fn clone(&self) -> Self {
        Self { step_sizes: self.step_sizes.clone(), field: self.field.clone(), ..*self }
    }

    fn clone_from(&mut self, source: &Self) {
        self.iterations = source.iterations;
        self.step_sizes.clone_from(&source.step_sizes);
        self.field.clone_from(&source.field);
    }
}

impl State {
    fn start(input: &ContourInput) -> Self {
        let field = Field::start(&input.initial);
        Self { iterations: 0, step_sizes: StepSizes::start(), field }
    }

    /// Does `n_steps` iterations in one sweep.
    fn advance(&mut self, force: &[f32], n_steps: usize) -> Vec<Change> {
        let steps: Vec<_> = self.step_sizes.by_ref().take(n_steps).collect();
        self.iterations += n_steps;
        self.field.sweep(force, &steps)
    }
}

/// Whether a relative change is under `factor` times the one that stops; 0 / 0 is.
fn is_below(relative: f64, factor: f64) -> bool {
    relative.is_nan() || relative < factor * MIN_RELATIVE_CHANGE
}

/// Force of the intensities on the indicator: `((f - mu1)^2 - (f - mu0)^2) / lambda`.
fn fidelity(input: &ContourInput, lambda: f32) -> Vec<f32> {
    let (mu0, mu1) = (input.mu0 as f32, input.mu1 as f32);
    let force = |&f: &f32| ((f - mu1) * (f - mu1) - (f - mu0) * (f - mu0)) / lambda;
    input.scaled.pixels.iter().map(force).collect()
}

/// How much one iteration changed the indicator.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Change {
    /// Sum of squared changes.
    pub(super) squared_change: f64,
    /// Sum of squared indicators before.
    pub(super) squared_indicator: f64,
}

impl Change {
    /// Relative to the indicator and divided by the number of pixels; NaN if it is 0 everywhere.
    fn relative_to(self, n_pixels: usize) -> f64 {
        self.squared_change / (self.squared_indicator * n_pixels as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The algorithm as it is written down, one whole image after the other.
    fn textbook(input: &ContourInput, settings: ContourSettings) -> Contour {
        let Plane { rows, cols, .. } = input.scaled;
        let force = fidelity(input, settings.lambda);
        let mut u: Vec<f32> =
            input.initial.pixels.iter().map(|&set| f32::from(u8::from(set))).collect();
        let mut extrapolated = u.clone();
        let mut p = vec![[0.0_f32; 2]; rows * cols];
        let mut step_sizes = StepSizes::start();
        let mut iterations = 0;
        while iterations < settings.max_iterations {
            let step = step_sizes.next().expect("step sizes never end");
            for index in 0..rows * cols {
                let (row, col) = (index / cols, index % cols);
                let here = extrapolated[index];
                let right = if col + 1 < cols { extrapolated[index + 1] - here } else { 0.0 };
                let down = if row + 1 < rows { extrapolated[index + cols] - here } else { 0.0 };
                let q = [p[index][0] + step.sigma * right, p[index][1] + step.sigma * down];
                let shrink = 1.0 / (q[0] * q[0] + q[1] * q[1]).max(1.0).sqrt();
                p[index] = [q[0] * shrink, q[1] * shrink];
            }
            let mut change = Change::default();
            for index in 0..rows * cols {
                let (row, col) = (index / cols, index % cols);
                let left = if col > 0 { p[index - 1][0] } else { 0.0 };
                let above = if row > 0 { p[index - cols][1] } else { 0.0 };
                let divergence = (p[index][0] - left) + (p[index][1] - above);
                let old = u[index];
                let new = (old + step.tau * (divergence - force[index])).clamp(0.0, 1.0);
                change.squared_change += f64::from((new - old) * (new - old));
                change.squared_indicator += f64::from(old * old);
                u[index] = new;
                extrapolated[index] = new + step.theta * (new - old);
            }
            iterations += 1;
            if is_below(change.relative_to(rows * cols), 1.0) {
                break;
            }
        }
        let pixels = u.iter().map(|&value| value >= 0.5).collect();
        Contour { mask: Mask { rows, cols, pixels }, iterations }
    }

    /// A bright disc and a faint one on a slope, with a pattern that stands in for noise.
    fn two_discs(rows: usize, cols: usize) -> Plane {
        let pixels = (0..rows * cols).map(|index| {
            let (row, col) = ((index / cols) as f32, (index % cols) as f32);
            let disc = |y: f32, x: f32, r: f32| (row - y).hypot(col - x) < r;
            let noise = ((index * 7919) % 31) as f32;
            let bright = if disc(12.0, 14.0, 7.0) { 200.0 } else { 0.0 };
            let faint = if disc(20.0, 33.0, 6.0) { 60.0 } else { 0.0 };
            20.0 + 0.3 * col + noise + bright + faint
        });
        Plane::new(rows, cols, pixels.collect())
    }

    #[test]
    fn sweeping_in_flight_equals_the_textbook_iteration() {
        for (rows, cols) in [(1, 1), (1, 40), (40, 1), (2, 9), (7, 8), (29, 41), (40, 33)] {
            for settings in [
                ContourSettings::FULL_DETECTION,
                ContourSettings::MARKER_CHARACTERIZATION,
                ContourSettings { lambda: 1.0, max_iterations: 13 },
            ] {
                let input = ContourInput::prepare(&two_discs(rows, cols), 70.0, None);
                let expected = textbook(&input, settings);
                let found = evolve_contour(&input, settings);
                assert_eq!(found, expected, "{rows} x {cols}, {settings:?}");
            }
        }
    }

    #[test]
    fn an_empty_first_guess_on_a_flat_plane_stops_at_once() {
        let input = ContourInput::prepare(&Plane::new(9, 9, vec![3.0; 81]), 10.0, None);
        let contour = evolve_contour(&input, ContourSettings::FULL_DETECTION);
        assert_eq!((contour.iterations, contour.mask.count()), (1, 0), "nothing moves");
    }

    #[test]
    fn no_iteration_keeps_the_first_guess() {
        let input = ContourInput::prepare(&two_discs(30, 42), 70.0, None);
        let settings = ContourSettings { lambda: 0.01, max_iterations: 0 };
        let contour = evolve_contour(&input, settings);
        assert_eq!(contour.mask, input.initial, "as it was");
    }

    #[test]
    fn the_discs_are_outlined_within_a_pixel() {
        let input = ContourInput::prepare(&two_discs(30, 42), 70.0, None);
        let contour = evolve_contour(&input, ContourSettings::FULL_DETECTION);
        let at = |row: usize, col: usize| contour.mask.pixels[row * 42 + col];
        assert!(at(12, 14) && at(12, 9) && at(17, 14), "inside the bright disc");
        assert!(!at(12, 23) && !at(3, 14) && !at(28, 3), "outside");
    }
}
