//! Pixel-iterations a second of the contour: nominal (every pixel of every iteration, worked on or
//! not) and of dense sweeps, beside a straightforward loop in the same run.
//!
//! `cargo bench --bench contour`; `HERSCOPE_BENCH_LIGHT=1` takes small images.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use herscope::imaging::{ContourInput, ContourSettings, Plane};
use herscope::kernels::InstructionSet;
use herscope::kernels::tv_contour::{StepSizes, Sweep, cpu_sweeping, forces};
use herscope::numeric::philox::philox4x32;
use std::hint::black_box;

/// Uniform in [0, 1).
fn uniform(key: u32, index: usize) -> f64 {
    f64::from(philox4x32([key, 9], [index as u32, 0, 0, 0])[0]) / 4_294_967_296.0
}

/// `n_cells` blurred discs of radius around 9 px and brightness around 600 on a background of 60
/// with noise of standard deviation `noise` (four uniforms).
fn cells(rows: usize, cols: usize, n_cells: usize, radius: f64, noise: f64) -> Plane {
    let grain = |index: usize| {
        let words = philox4x32([1, 9], [index as u32, 0, 0, 0]);
        let sum: f64 = words.iter().map(|&word| f64::from(word) / 4_294_967_296.0 - 0.5).sum();
        60.0 + noise * sum * 3.0_f64.sqrt()
    };
    let mut pixels: Vec<f64> = (0..rows * cols).map(grain).collect();
    for cell in 0..n_cells {
        let (y, x) = (uniform(2, cell) * rows as f64, uniform(3, cell) * cols as f64);
        let r = radius * (0.7 + 0.6 * uniform(4, cell));
        let brightness = 600.0 * (0.5 + uniform(5, cell));
        let reach = 2.0 * r + 6.0;
        let span =
            |at: f64, n: usize| ((at - reach).max(0.0) as usize)..n.min((at + reach) as usize);
        for row in span(y, rows) {
            for col in span(x, cols) {
                let outside = (row as f64 - y).hypot(col as f64 - x) - r;
                pixels[row * cols + col] += brightness / (1.0 + (1.2 * outside).exp());
            }
        }
    }
    Plane::new(rows, cols, pixels.into_iter().map(|v| v as f32).collect())
}

/// Name, plane and threshold.
fn images(light: bool) -> Vec<(&'static str, Plane, f64)> {
    let (rows, cols) = if light { (130, 173) } else { (1036, 1384) };
    let share = if light { 64 } else { 1 };
    vec![
        ("interior", cells(rows, cols, 60 / share + 1, 9.0, 8.0), 110.0),
        ("dense cells", cells(rows, cols, 5_000 / share, 9.0, 8.0), 260.0),
        ("specks", cells(rows, cols, 40_000 / share, 1.5, 8.0), 200.0),
        ("noise", cells(rows, cols, 0, 9.0, 60.0), 100.0),
    ]
}

/// Two passes over the image an iteration, one pixel after the other; returns the sum of u.
fn two_passes(input: &ContourInput, lambda: f32, n_iterations: usize) -> f32 {
    let Plane { rows, cols, .. } = input.scaled;
    let force = forces(input, lambda);
    let mut u: Vec<f32> =
        input.initial.pixels.iter().map(|&set| f32::from(u8::from(set))).collect();
    let mut extrapolated = u.clone();
    let (mut right, mut down) = (vec![0.0_f32; rows * cols], vec![0.0_f32; rows * cols]);
    for step in StepSizes::start().take(n_iterations) {
        for row in 0..rows {
            for col in 0..cols {
                let at = row * cols + col;
                let here = extrapolated[at];
                let dx = if col + 1 < cols { extrapolated[at + 1] - here } else { 0.0 };
                let dy = if row + 1 < rows { extrapolated[at + cols] - here } else { 0.0 };
                let (x, y) = (right[at] + step.sigma * dx, down[at] + step.sigma * dy);
                let shrink = 1.0 / (x * x + y * y).max(1.0).sqrt();
                (right[at], down[at]) = (x * shrink, y * shrink);
            }
        }
        for row in 0..rows {
            for col in 0..cols {
                let at = row * cols + col;
                let left = if col > 0 { right[at - 1] } else { 0.0 };
                let above = if row > 0 { down[at - cols] } else { 0.0 };
                let divergence = right[at] - left + down[at] - above;
                let stepped = (u[at] + step.tau * (divergence - force[at])).clamp(0.0, 1.0);
                extrapolated[at] = stepped + step.theta * (stepped - u[at]);
                u[at] = stepped;
            }
        }
    }
    u.iter().sum()
}

fn contours(criterion: &mut Criterion) {
    let light = std::env::var_os("HERSCOPE_BENCH_LIGHT").is_some();
    let mut group = criterion.benchmark_group("tv_contour");
    group.sample_size(10);
    let best = InstructionSet::best();
    for (name, plane, threshold) in images(light) {
        let input = ContourInput::prepare(&plane, threshold, None);
        for settings in [ContourSettings::FULL_DETECTION, ContourSettings::MARKER_CHARACTERIZATION]
        {
            let iterations = cpu_sweeping(&input, settings, best, Sweep::Chosen).contour.iterations;
            let id = |what: &str| {
                let image = format!("{name}, lambda {}, {iterations} it.", settings.lambda);
                BenchmarkId::new(what, image)
            };
            group.throughput(Throughput::Elements(
                plane.pixels.len() as u64 * u64::from(iterations),
            ));
            for (what, set, sweep) in [
                ("nominal", best, Sweep::Chosen),
                ("dense", best, Sweep::Dense),
                ("nominal, plain Rust", InstructionSet::Scalar, Sweep::Chosen),
            ] {
                group.bench_function(id(what), |bencher| {
                    bencher.iter(|| cpu_sweeping(black_box(&input), settings, set, sweep));
                });
            }
            group.bench_function(id("two passes"), |bencher| {
                bencher
                    .iter(|| two_passes(black_box(&input), settings.lambda, iterations as usize));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, contours);
criterion_main!(benches);
