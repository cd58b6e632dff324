//! Eight doubles at a time, for twins that need `f64`.
//!
//! Always eight, whatever the instruction set: a replicate's neighbours, and so its rounding-free
//! decisions such as when a group of eight is done, are the same everywhere.

use super::Scalar;
use crate::numeric::exp::{LN_2_HIGH, LN_2_LOW, LOG2_E, ROUNDER, SERIES};

/// Doubles in a vector.
pub(crate) const EIGHT: usize = 8;

/// Lane-wise operations on eight doubles and truth values; a token as [`Lanes`](super::Lanes).
pub(crate) trait Doubles: Copy {
    /// Eight doubles.
    type D: Copy;
    /// Eight truth values.
    type B: Copy;

    fn d(self, value: f64) -> Self::D;
    /// Loads the first eight of `values`.
    fn load_d(self, values: &[f64]) -> Self::D;
    /// Stores into the first eight of `values`.
    fn store_d(self, lanes: Self::D, values: &mut [f64]);
    fn add_d(self, a: Self::D, b: Self::D) -> Self::D;
    fn sub_d(self, a: Self::D, b: Self::D) -> Self::D;
    fn mul_d(self, a: Self::D, b: Self::D) -> Self::D;
    fn div_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// The larger; neither may be NaN.
    fn max_d(self, a: Self::D, b: Self::D) -> Self::D;
    /// `a < b`, false for NaN.
    fn lt_d(self, a: Self::D, b: Self::D) -> Self::B;
    fn and_b(self, a: Self::B, b: Self::B) -> Self::B;
    fn or_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// `a` and not `b`.
    fn but_not_b(self, a: Self::B, b: Self::B) -> Self::B;
    /// Where true `a`, elsewhere `b`.
    fn pick_d(self, which: Self::B, a: Self::D, b: Self::D) -> Self::D;
    /// Lane `i` in bit `i`.
    fn mask(self, which: Self::B) -> u8;
    /// `value * 2^k` for `shifted = k + ROUNDER`; the result must be normal.
    fn scale_d(self, value: Self::D, shifted: Self::D) -> Self::D;

    /// [`crate::numeric::exp::exp`] of each lane, operation by operation.
    #[inline(always)]
    fn exp_d(self, x: Self::D) -> Self::D {
        let rounder = self.d(ROUNDER);
        let shifted = self.add_d(self.mul_d(x, self.d(LOG2_E)), rounder);
        let whole = self.sub_d(shifted, rounder);
        let r = self.sub_d(x, self.mul_d(whole, self.d(LN_2_HIGH)));
        let r = self.sub_d(r, self.mul_d(whole, self.d(LN_2_LOW)));
        let square = self.mul_d(r, r);
        let (mut even, mut odd) = (self.d(SERIES[10]), self.d(SERIES[11]));
        for k in (0..5).rev() {
            even = self.add_d(self.mul_d(even, square), self.d(SERIES[2 * k]));
            odd = self.add_d(self.mul_d(odd, square), self.d(SERIES[2 * k + 1]));
        }
        let series = self.mul_d(square, self.add_d(even, self.mul_d(r, odd)));
        self.scale_d(self.add_d(self.add_d(series, r), self.d(1.0)), shifted)
    }
}

/// Plain loops: the specification, and what a processor without the instructions runs.
impl Doubles for Scalar {
    type D = [f64; EIGHT];
    type B = [bool; EIGHT];

    #[inline(always)]
    fn d(self, value: f64) -> Self::D {
        [value; EIGHT]
    }
    #[inline(always)]
    fn load_d(self, values: &[f64]) -> Self::D {
        std::array::from_fn(|i| values[i])
    }
    #[inline(always)]
    fn store_d(self, lanes: Self::D, values: &mut [f64]) {
        values[..EIGHT].copy_from_slice(&lanes);
    }
    #[inline(always)]
    fn add_d(self, mut a: Self::D, b: Self::D) -> Self::D {
        for (a, b) in a.iter_mut().zip(b) {
            *a += b;
        }
        a
    }
    #[inline(always)]
    fn sub_d(self, mut a: Self::D, b: Self::D) -> Self::D {
        for (a, b) in a.iter_mut().zip(b) {
            *a -= b;
        }
        a
    }
    #[inline(always)]
    fn mul_d(self, mut a: Self::D, b: Self::D) -> Self::D {
        for (a, b) in a.iter_mut().zip(b) {
            *a *= b;
        }
        a
    }
    #[inline(always)]
    fn div_d(self, mut a: Self::D, b: Self::D) -> Self::D {
        for (a, b) in a.iter_mut().zip(b) {
            *a /= b;
        }
        a
    }
    #[inline(always)]
    fn max_d(self, a: Self::D, b: Self::D) -> Self::D {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn lt_d(self, a: Self::D, b: Self::D) -> Self::B {
        std::array::from_fn(|i| a[i] < b[i])
    }
    #[inline(always)]
    fn and_b(self, a: Self::B, b: Self::B) -> Self::B {
        std::array::from_fn(|i| a[i] & b[i])
    }
    #[inline(always)]
    fn or_b(self, a: Self::B, b: Self::B) -> Self::B {
        std::array::from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn but_not_b(self, a: Self::B, b: Self::B) -> Self::B {
        std::array::from_fn(|i| a[i] & !b[i])
    }
    #[inline(always)]
    fn pick_d(self, which: Self::B, a: Self::D, b: Self::D) -> Self::D {
        std::array::from_fn(|i| if which[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn mask(self, which: Self::B) -> u8 {
        (0..EIGHT).fold(0, |mask, i| mask | u8::from(which[i]) << i)
    }
    #[inline(always)]
    fn scale_d(self, value: Self::D, shifted: Self::D) -> Self::D {
        std::array::from_fn(|i| {
            f64::from_bits(value[i].to_bits().wrapping_add(shifted[i].to_bits() << 52))
        })
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::x86::{Avx2, Avx512};
    use super::Doubles;
    use std::arch::x86_64::*;

    /// One method a line: name, arguments, result, intrinsic expression.
    macro_rules! methods {
        ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $body:expr;)*) => {
            $(#[inline(always)]
            #[allow(unused_unsafe, reason = "some bodies are plain operations")]
            fn $name(self $(, $arg: $type)*) -> $result {
                // SAFETY: `self` exists, so the processor has the instructions; loads and stores
                // are unaligned and their slices are checked to hold all lanes.
                unsafe { $body }
            })*
        };
    }

    impl Doubles for Avx2 {
        type D = [__m256d; 2];
        type B = [__m256d; 2];

        methods! {
            d(value: f64) -> [__m256d; 2] = [_mm256_set1_pd(value); 2];
            load_d(values: &[f64]) -> [__m256d; 2] = {
                let values = values[..8].as_ptr();
                [_mm256_loadu_pd(values), _mm256_loadu_pd(values.add(4))]
            };
            store_d(lanes: [__m256d; 2], values: &mut [f64]) -> () = {
                let values = values[..8].as_mut_ptr();
                _mm256_storeu_pd(values, lanes[0]);
                _mm256_storeu_pd(values.add(4), lanes[1]);
            };
            add_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_add_pd(a[0], b[0]), _mm256_add_pd(a[1], b[1])];
            sub_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_sub_pd(a[0], b[0]), _mm256_sub_pd(a[1], b[1])];
            mul_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_mul_pd(a[0], b[0]), _mm256_mul_pd(a[1], b[1])];
            div_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_div_pd(a[0], b[0]), _mm256_div_pd(a[1], b[1])];
            max_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_max_pd(a[0], b[0]), _mm256_max_pd(a[1], b[1])];
            lt_d(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_cmp_pd::<_CMP_LT_OQ>(a[0], b[0]), _mm256_cmp_pd::<_CMP_LT_OQ>(a[1], b[1])];
            and_b(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_and_pd(a[0], b[0]), _mm256_and_pd(a[1], b[1])];
            or_b(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_or_pd(a[0], b[0]), _mm256_or_pd(a[1], b[1])];
            but_not_b(a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_andnot_pd(b[0], a[0]), _mm256_andnot_pd(b[1], a[1])];
            pick_d(which: [__m256d; 2], a: [__m256d; 2], b: [__m256d; 2]) -> [__m256d; 2] =
                [_mm256_blendv_pd(b[0], a[0], which[0]), _mm256_blendv_pd(b[1], a[1], which[1])];
            mask(which: [__m256d; 2]) -> u8 =
                (_mm256_movemask_pd(which[0]) | _mm256_movemask_pd(which[1]) << 4) as u8;
            scale_d(value: [__m256d; 2], shifted: [__m256d; 2]) -> [__m256d; 2] = {
                let half = |value, shifted| {
                    let power = _mm256_slli_epi64::<52>(_mm256_castpd_si256(shifted));
                    _mm256_castsi256_pd(_mm256_add_epi64(_mm256_castpd_si256(value), power))
                };
                [half(value[0], shifted[0]), half(value[1], shifted[1])]
            };
        }
    }

    impl Doubles for Avx512 {
        type D = __m512d;
        type B = __mmask8;

        methods! {
            d(value: f64) -> __m512d = _mm512_set1_pd(value);
            load_d(values: &[f64]) -> __m512d = _mm512_loadu_pd(values[..8].as_ptr());
            store_d(lanes: __m512d, values: &mut [f64]) -> () =
                _mm512_storeu_pd(values[..8].as_mut_ptr(), lanes);
            add_d(a: __m512d, b: __m512d) -> __m512d = _mm512_add_pd(a, b);
            sub_d(a: __m512d, b: __m512d) -> __m512d = _mm512_sub_pd(a, b);
            mul_d(a: __m512d, b: __m512d) -> __m512d = _mm512_mul_pd(a, b);
            div_d(a: __m512d, b: __m512d) -> __m512d = _mm512_div_pd(a, b);
            max_d(a: __m512d, b: __m512d) -> __m512d = _mm512_max_pd(a, b);
            lt_d(a: __m512d, b: __m512d) -> __mmask8 = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(a, b);
            and_b(a: __mmask8, b: __mmask8) -> __mmask8 = a & b;
            or_b(a: __mmask8, b: __mmask8) -> __mmask8 = a | b;
            but_not_b(a: __mmask8, b: __mmask8) -> __mmask8 = a & !b;
            pick_d(which: __mmask8, a: __m512d, b: __m512d) -> __m512d =
                _mm512_mask_blend_pd(which, b, a);
            mask(which: __mmask8) -> u8 = which;
            scale_d(value: __m512d, shifted: __m512d) -> __m512d = {
                let power = _mm512_slli_epi64::<52>(_mm512_castpd_si512(shifted));
                _mm512_castsi512_pd(_mm512_add_epi64(_mm512_castpd_si512(value), power))
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, LaneWork, Lanes, run_with};
    use super::EIGHT;
    use crate::numeric::exp::exp;

    struct Exponentials<'a>(&'a [f64]);

    impl LaneWork for Exponentials<'_> {
        type Output = Vec<f64>;

        #[inline(always)]
        fn run<L: Lanes>(self, l: L) -> Vec<f64> {
            let mut out = vec![0.0; self.0.len()];
            for (x, out) in self.0.chunks(EIGHT).zip(out.chunks_mut(EIGHT)) {
                l.store_d(l.exp_d(l.load_d(x)), out);
            }
            out
        }
    }

    #[test]
    fn eight_exponentials_are_the_scalar_one_on_every_instruction_set() {
        let x: Vec<f64> = (0..80_000).map(|i| f64::from(i) * 0.017_5 - 700.0).collect();
        let scalar: Vec<u64> = x.iter().map(|&x| exp(x).to_bits()).collect();
        for set in InstructionSet::available() {
            let wide = run_with(set, Exponentials(&x));
            let first = (0..x.len()).find(|&i| wide[i].to_bits() != scalar[i]);
            assert_eq!(first, None, "{} differs there", set.name());
        }
    }
}
