//! The twin against the algorithm as it is written down, and its sweeps against each other.

use super::*;

const FULL: ContourSettings = ContourSettings::FULL_DETECTION;
const MARKER: ContourSettings = ContourSettings::MARKER_CHARACTERIZATION;

/// The algorithm as it is written down, one whole image after the other.
fn textbook(input: &ContourInput, settings: ContourSettings) -> Contour {
    let Plane { rows, cols, .. } = input.scaled;
    let force = forces(input, settings.lambda);
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
        let (mut squared_change, mut squared) = (0.0_f64, 0.0_f64);
        for index in 0..rows * cols {
            let (row, col) = (index / cols, index % cols);
            let left = if col > 0 { p[index - 1][0] } else { 0.0 };
            let above = if row > 0 { p[index - cols][1] } else { 0.0 };
            let divergence = (p[index][0] - left) + (p[index][1] - above);
            let old = u[index];
            let new = (old + step.tau * (divergence - force[index])).clamp(0.0, 1.0);
            squared_change += f64::from((new - old) * (new - old));
            squared += f64::from(old * old);
            u[index] = new;
            extrapolated[index] = new + step.theta * (new - old);
        }
        iterations += 1;
        let relative = squared_change / (squared * (rows * cols) as f64);
        if relative.is_nan() || relative < 1e-13 {
            break;
        }
    }
    let pixels = u.iter().map(|&value| value >= 0.5).collect();
    Contour { mask: Mask { rows, cols, pixels }, iterations }
}

/// Discs of brightness 200 every `spacing` pixels with `radius`, on noise of `noise`.
fn image(rows: usize, cols: usize, spacing: usize, radius: f32, noise: f32) -> Plane {
    let pixels = (0..rows * cols).map(|index| {
        let (row, col) = (index / cols, index % cols);
        let from_centre = |at: usize| (at % spacing) as f32 - spacing as f32 / 2.0;
        let inside = from_centre(row).hypot(from_centre(col)) < radius;
        let words = crate::numeric::philox::philox4x32([3, 1], [index as u32, 0, 0, 0]);
        let grain = (words[0] >> 8) as f32 / (1 << 24) as f32;
        20.0 + 0.1 * col as f32 + noise * grain + if inside { 200.0 } else { 0.0 }
    });
    Plane::new(rows, cols, pixels.collect())
}

/// Name, plane and threshold; cells, noise and specks that keep many or few pixels busy.
fn images() -> Vec<(&'static str, Plane, f64)> {
    vec![
        ("one pixel", image(1, 1, 9, 1.0, 5.0), 10.0),
        ("one row", image(1, 140, 40, 9.0, 30.0), 100.0),
        ("one column", image(140, 1, 40, 21.0, 30.0), 100.0),
        ("seven columns", image(50, 7, 30, 6.0, 30.0), 100.0),
        ("nine columns", image(50, 9, 30, 6.0, 30.0), 100.0),
        ("a few cells", image(90, 531, 80, 9.0, 25.0), 110.0),
        ("dense cells", image(67, 75, 16, 7.0, 60.0), 120.0),
        ("noise", image(70, 83, 50, 0.0, 200.0), 130.0),
        ("specks", image(61, 130, 6, 1.6, 40.0), 120.0),
        ("nothing", image(33, 40, 50, 0.0, 3.0), 300.0),
        ("everything", image(33, 40, 50, 0.0, 3.0), 1.0),
    ]
}

#[test]
fn the_twin_equals_the_textbook_iteration() {
    for (name, plane, threshold) in images() {
        let input = ContourInput::prepare(&plane, threshold, None);
        for settings in [FULL, MARKER, ContourSettings { lambda: 1.0, max_iterations: 13 }] {
            let expected = textbook(&input, settings);
            let found = cpu(&input, settings, InstructionSet::best()).contour;
            assert_eq!(found.iterations, expected.iterations, "{name}, {settings:?}");
            assert!(found.mask == expected.mask, "{name}, {settings:?}: masks");
        }
    }
}

#[test]
fn skipping_and_instructions_change_no_bit() {
    for (name, plane, threshold) in images() {
        let input = ContourInput::prepare(&plane, threshold, None);
        for lambda in [0.01, 0.0005, 0.3] {
            // cut off at all places of a sweep: the sums tell the fields apart at each
            for max_iterations in [1, 2, 7, 8, 9, 20, 200] {
                let settings = ContourSettings { lambda, max_iterations };
                let expected = cpu_sweeping(&input, settings, InstructionSet::Scalar, Sweep::Dense);
                for set in InstructionSet::available() {
                    for sweep in [Sweep::Dense, Sweep::Resting, Sweep::Chosen] {
                        let found = cpu_sweeping(&input, settings, set, sweep);
                        assert!(found == expected, "{name}, {settings:?}, {set:?}, {sweep:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_stopping_rule_is_the_relative_change() {
    let n_pixels = 1384 * 1036;
    let squared = 5_000_u64 << 24;
    // 1e-13 * 1 433 824 * 5 000 in units of 2^-40
    let limit = (1e-13 * 1_433_824.0 * 5_000.0 * (1_u64 << 40) as f64) as u64;
    let at = |change: u64| stops(Change { change, squared }, stop_factor(n_pixels));
    assert!(at(limit - limit / 1000) && !at(limit + limit / 1000), "within 1 in 1000");
    let at = |change| stops(Change { change, squared: 0 }, stop_factor(n_pixels));
    assert!(at(0) && !at(1), "an indicator that is 0 everywhere stops when nothing moves");
}

#[test]
fn an_empty_first_guess_on_a_flat_plane_stops_at_once() {
    let input = ContourInput::prepare(&Plane::new(9, 9, vec![3.0; 81]), 10.0, None);
    let contour = cpu(&input, FULL, InstructionSet::best()).contour;
    assert_eq!((contour.iterations, contour.mask.count()), (1, 0), "nothing moves");
}

#[test]
fn no_iteration_keeps_the_first_guess() {
    let input = ContourInput::prepare(&image(30, 42, 20, 6.0, 20.0), 110.0, None);
    let settings = ContourSettings { lambda: 0.01, max_iterations: 0 };
    let contour = cpu(&input, settings, InstructionSet::best()).contour;
    assert!(input.initial.count() > 0 && contour.mask == input.initial, "as it was");
}

#[test]
fn discs_are_outlined_within_a_pixel() {
    let input = ContourInput::prepare(&image(40, 40, 40, 9.0, 60.0), 130.0, None);
    let contour = cpu(&input, FULL, InstructionSet::best()).contour;
    let at = |row: usize, col: usize| contour.mask.pixels[row * 40 + col];
    assert!(at(20, 20) && at(20, 13) && at(27, 20), "inside");
    assert!(!at(20, 31) && !at(8, 20) && !at(3, 3), "outside");
}
