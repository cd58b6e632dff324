//! Sums of intensities that depend neither on the order of the pixels nor on the device.

/// Whole-number units of an intensity: 2^24 a camera unit.
///
/// A single of at least 1 has no finer digit, a smaller one is rounded by at most 2^-25; a sum over
/// 2^23 pixels of 16 bits fits 64 bits.
const UNITS: f64 = 16_777_216.0;

/// Adding and taking away this rounds to whole numbers.
const ROUNDING: f64 = 1.5 * 4_503_599_627_370_496.0;

/// An intensity in whole units of 2^-24, ties to even.
#[inline(always)]
pub(crate) fn in_units(value: f32) -> f64 {
    (f64::from(value) * UNITS + ROUNDING) - ROUNDING
}

/// A sum of units as an intensity.
pub(crate) fn of_units(sum: i128) -> f64 {
    sum as f64 / UNITS
}

/// Intensities in units for as many as an exact sum in `f64` can take (32, as 2^40 each at most).
pub(crate) fn chunk_sum(units: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    for eight in units.chunks(8) {
        for (lane, &unit) in lanes.iter_mut().zip(eight) {
            *lane += unit;
        }
    }
    lanes.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intensities_of_a_camera_are_whole_in_units() {
        for value in [0.0, 1.0, 1.000_000_1, 4_095.000_2, 65_535.0, -32_768.0, 0.5] {
            assert_eq!(of_units(in_units(value) as i128), f64::from(value), "{value}");
        }
        let tiny = 1e-9_f32;
        assert_eq!(in_units(tiny), 0.0, "rounded");
    }

    #[test]
    fn sums_do_not_depend_on_the_order() {
        let mut units: Vec<f64> = (0..32).map(|i| in_units(65_535.0 / (i + 1) as f32)).collect();
        let sum = chunk_sum(&units);
        units.reverse();
        assert_eq!(chunk_sum(&units), sum, "from the other end");
        assert_eq!(units.iter().map(|&u| u as i128).sum::<i128>(), sum as i128, "whole numbers");
    }
}
