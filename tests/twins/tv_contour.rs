use crate::{Noise, gpu};
use herscope::imaging::{ContourInput, ContourSettings, Plane};
use herscope::kernels::InstructionSet;
use herscope::kernels::tv_contour::{Sweep, cpu, cpu_sweeping};

const FULL: ContourSettings = ContourSettings::FULL_DETECTION;
const MARKER: ContourSettings = ContourSettings::MARKER_CHARACTERIZATION;

/// A plane of `rows x cols` with discs, (row, col, radius, brightness), on noise of `noise`.
fn plane(rows: usize, cols: usize, discs: &[(f64, f64, f64, f64)], noise: f64) -> Plane {
    let mut source = Noise(11);
    let pixels = (0..rows * cols).map(|index| {
        let (row, col) = ((index / cols) as f64, (index % cols) as f64);
        let inside = discs.iter().filter(|(y, x, r, _)| (row - y).hypot(col - x) < *r);
        (60.0 + noise * source.next() + inside.map(|disc| disc.3).sum::<f64>()) as f32
    });
    Plane::new(rows, cols, pixels.collect())
}

/// Name, plane, threshold.
fn planes() -> Vec<(&'static str, Plane, f64)> {
    let cells = [(20.0, 25.0, 9.0, 300.0), (45.0, 70.0, 7.0, 120.0), (8.0, 90.0, 5.0, 500.0)];
    vec![
        ("empty", plane(0, 0, &[], 0.0), 10.0),
        ("one pixel", plane(1, 1, &[], 5.0), 10.0),
        ("one row", plane(1, 200, &[(0.0, 40.0, 12.0, 200.0)], 30.0), 120.0),
        ("one column", plane(130, 1, &[(50.0, 0.0, 12.0, 200.0)], 30.0), 120.0),
        ("a workgroup less one", plane(9, 63, &cells, 20.0), 100.0),
        ("a workgroup", plane(9, 64, &cells, 20.0), 100.0),
        ("a workgroup and one", plane(9, 65, &cells, 20.0), 100.0),
        ("all background", plane(31, 37, &[], 10.0), 500.0),
        ("all foreground", plane(31, 37, &[], 10.0), 1.0),
        ("flat", plane(20, 20, &[], 0.0), 10.0),
        ("cells", plane(61, 101, &cells, 25.0), 130.0),
        ("noise", plane(64, 96, &[], 200.0), 160.0),
    ]
}

#[test]
fn contours_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("contours_are_equal_on_cpu_and_gpu") else { return };
    for (name, plane, threshold) in planes() {
        let input = ContourInput::prepare(&plane, threshold, None);
        for settings in [FULL, MARKER, ContourSettings { lambda: 0.1, max_iterations: 13 }] {
            let twin = cpu(&input, settings, InstructionSet::best());
            let device = gpu.tv_contour(&input, settings).expect("the device works");
            assert!(
                twin == device,
                "{name}, {settings:?}: {} and {:?} on the CPU, {} and {:?} on the device",
                twin.contour.iterations,
                twin.last_change,
                device.contour.iterations,
                device.last_change
            );
        }
    }
}

#[test]
fn one_changed_pixel_or_sum_is_noticed() {
    let (_, plane, threshold) = planes().remove(10);
    let input = ContourInput::prepare(&plane, threshold, None);
    let done = cpu(&input, FULL, InstructionSet::best());
    let mut other = done.clone();
    other.contour.mask.pixels[77] ^= true;
    assert!(done != other, "one pixel of the mask");
    let mut other = done.clone();
    other.last_change.change += 1;
    assert!(done != other, "2^-40 of a sum");
}

#[test]
fn contours_do_not_depend_on_instructions_or_skipping() {
    for (name, plane, threshold) in planes() {
        let input = ContourInput::prepare(&plane, threshold, None);
        for settings in [FULL, MARKER] {
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
