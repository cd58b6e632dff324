//! The exponential with one fixed order of operations.
//!
//! `f64::exp` is the platform's, and platforms differ in the last bit. The vector code of the
//! kernels performs these operations, in this order, on eight values at a time.

/// log2(e).
pub(crate) const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// 1.5 * 2^52: adding it rounds to a whole number, held in the low bits.
pub(crate) const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2 to 32 bits: its product with any exponent is exact.
pub(crate) const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
/// ln 2 less [`LN_2_HIGH`].
pub(crate) const LN_2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// 1 / (k + 2)!: the series of `(exp(r) - 1 - r) / r^2`.
pub(crate) const SERIES: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// `exp(x)` for `|x| <= 700`.
///
/// # Source
/// `x = k ln 2 + r` with `|r| <= 0.3466`, ln 2 in two parts (Cody and Waite 1980); the series to
/// `r^13` leaves 4e-18. Checked against `f64::exp`: within one unit in the last place.
///
/// ```
/// use herscope::numeric::exp::exp;
/// assert_eq!(exp(0.0), 1.0);
/// assert!((exp(1.0) / std::f64::consts::E - 1.0).abs() < 3e-16);
/// ```
#[inline]
pub fn exp(x: f64) -> f64 {
    let shifted = x * LOG2_E + ROUNDER;
    let whole = shifted - ROUNDER;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let square = r * r;
    // Even and odd powers apart: two short chains of operations instead of one long one.
    let (mut even, mut odd) = (SERIES[10], SERIES[11]);
    for k in (0..5).rev() {
        even = even * square + SERIES[2 * k];
        odd = odd * square + SERIES[2 * k + 1];
    }
    let power = (square * (even + r * odd) + r) + 1.0;
    f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn the_written_out_exponential_is_within_one_unit_of_the_platforms() {
        for i in 0..400_000_u32 {
            let x = f64::from(i) / 400_000.0 * 1_400.0 - 700.0 + f64::from(i % 7) * 1e-5;
            let x = x.clamp(-700.0, 700.0);
            let (ours, platform) = (exp(x), x.exp());
            let apart = ours.to_bits().abs_diff(platform.to_bits());
            assert!(apart <= 1, "exp({x}): {ours:e} against {platform:e}, {apart} apart");
        }
    }
}
