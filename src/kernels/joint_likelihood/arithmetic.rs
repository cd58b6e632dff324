//! Exponential and logarithm of singles, one order of operations.

use crate::kernels::lanes::Lanes;

/// ln 2 in nine bits: its product with any exponent is exact.
const LN_2_HIGH: f32 = 355.0 / 512.0;
/// What [`LN_2_HIGH`] is above ln 2.
const LN_2_EXCESS: f32 = 2.121_944_4e-4;
/// 1 / 7!, 1 / 6!, ..: the series of `(exp(r) - 1 - r) / r^2`.
const SERIES: [f32; 6] =
    [1.984_127e-4, 1.388_888_9e-3, 8.333_333e-3, 4.166_666_8e-2, 0.166_666_67, 0.5];
/// 2 / 9, 2 / 7, ..: the series of `ln((1 + s) / (1 - s)) / s`.
const ATANH_SERIES: [f32; 5] = [0.222_222_22, 0.285_714_3, 0.4, 0.666_666_7, 2.0];

/// `exp(x)` and `exp(x) - 1 - x`, x brought to -80 ..= 40 first.
///
/// Within 2.5e-7 relative; the second has no cancellation for `|x| < 0.346` (the series itself), and an
/// error of 2e-7 `max(exp(x), |x|)` beyond.
#[inline(always)]
pub(super) fn exponential<L: Lanes>(l: L, x: L::F) -> (L::F, L::F) {
    let x = l.min(l.max(x, l.f(-80.0)), l.f(40.0));
    let shifted = l.to_u(l.add(l.mul(x, l.f(std::f32::consts::LOG2_E)), l.f(128.5)));
    let whole = l.sub(l.to_f(shifted), l.f(128.0));
    let r = l.sub(x, l.mul(whole, l.f(LN_2_HIGH)));
    let r = l.add(r, l.mul(whole, l.f(LN_2_EXCESS)));
    let mut series = l.f(SERIES[0]);
    for &coefficient in &SERIES[1..] {
        series = l.add(l.mul(series, r), l.f(coefficient));
    }
    let tail = l.mul(l.mul(r, r), series);
    let power = l.add(l.add(r, l.f(1.0)), tail);
    // the exponents of power are those of 0.7 to 1.42: adding to them is scaling
    let exponent = l.shl(l.sub_u(shifted, l.u(128)), l.u(23));
    let exp = l.of_bits(l.add_u(l.bits(power), exponent));
    let rest = l.sub(l.sub(exp, l.f(1.0)), x);
    (exp, l.pick(l.eq_u(shifted, l.u(128)), tail, rest))
}

/// `ln(x)` of a finite, positive, normal `x`, within 3e-7 absolute and relative.
///
/// The mantissa is brought to `[sqrt(1/2), sqrt(2))`; five terms of the series leave 1e-9.
#[inline(always)]
pub(super) fn logarithm<L: Lanes>(l: L, x: L::F) -> L::F {
    // 0x004AFB0D is 1 less sqrt(1/2), as words: adding it makes the exponent field step there
    let biased = l.shr(l.add_u(l.bits(x), l.u(0x004A_FB0D)), 23);
    let one = l.add_u(l.bits(x), l.u(0x3F80_0000));
    let mantissa = l.of_bits(l.sub_u(one, l.shl(biased, l.u(23))));
    let exponent = l.sub(l.to_f(biased), l.f(127.0));
    let s = l.div(l.sub(mantissa, l.f(1.0)), l.add(mantissa, l.f(1.0)));
    let square = l.mul(s, s);
    let mut series = l.f(ATANH_SERIES[0]);
    for &coefficient in &ATANH_SERIES[1..] {
        series = l.add(l.mul(series, square), l.f(coefficient));
    }
    let small = l.sub(l.mul(series, s), l.mul(exponent, l.f(LN_2_EXCESS)));
    l.add(small, l.mul(exponent, l.f(LN_2_HIGH)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::lanes::Scalar;

    #[test]
    fn the_exponential_and_its_tail_are_as_good_as_stated() {
        for i in 0..240_001_u32 {
            let x = -80.0 + 120.0 * i as f32 / 240_000.0;
            let (exp, tail) = exponential(Scalar, x);
            let expected = f64::from(x).exp();
            let error = (f64::from(exp) / expected - 1.0).abs();
            assert!(error < 2.5e-7, "exp({x}): {exp:e}, {error:e} off");
            let rest = expected - 1.0 - f64::from(x);
            let bound = if x.abs() < 0.346 {
                // the smallest of these differences of doubles has 1e-10 of its digits left
                3e-7 * rest + 3e-16
            } else {
                2.5e-7 * expected.max(f64::from(x.abs()))
            };
            assert!((f64::from(tail) - rest).abs() <= bound, "{x}: {tail:e} for {rest:e}");
        }
        assert_eq!(exponential(Scalar, -1e9), exponential(Scalar, -80.0), "brought to the range");
        assert_eq!(exponential(Scalar, 1e9), exponential(Scalar, 40.0), "brought to the range");
    }

    #[test]
    fn the_logarithm_is_as_good_as_stated() {
        for i in 0..200_001_u32 {
            let x = (f64::from(i) / 200_000.0 * 160.0 - 80.0).exp() as f32;
            let (found, expected) = (f64::from(logarithm(Scalar, x)), f64::from(x).ln());
            let error = (found - expected).abs();
            assert!(error < 3e-7 * (1.0 + expected.abs()), "ln({x:e}): {found}, {error:e} off");
        }
    }
}
