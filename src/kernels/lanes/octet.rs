//! Eight neighbouring pixels at a time, for twins that work on images.
//!
//! Always eight, whatever the instruction set: which pixels share a vector decides the order of a
//! sum and what may be skipped. Sixteen lanes would gain nothing in an iteration that waits for
//! square roots and quotients, whose rate a lane is the same in both; a processor with AVX-512 uses
//! AVX2 here.

use super::InstructionSet;
use bytemuck::{Pod, Zeroable};

/// Eight neighbouring singles in memory.
#[repr(C, align(32))]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub(crate) struct Eight(pub(crate) [f32; 8]);

/// Operations on eight singles; a value is a token as one of [`Lanes`](super::Lanes).
pub(crate) trait Octet: Copy {
    /// Eight singles.
    type F: Copy;
    /// Eight words.
    type I: Copy;

    fn splat(self, value: f32) -> Self::F;
    fn load(self, from: &Eight) -> Self::F;
    fn store(self, lanes: Self::F, to: &mut Eight);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `1 / sqrt(max(squared, 1))`.
    fn shrink(self, squared: Self::F) -> Self::F;
    /// 0 for what is not above 0 (or not a number), at most 1.
    fn clamp_to_unit(self, a: Self::F) -> Self::F;
    /// Lane 7 of `previous`, then lanes 0..7 of `here`.
    fn left_of(self, previous: Self::F, here: Self::F) -> Self::F;
    /// Lanes 1..8 of `here`, then lane 0 of `next`.
    fn right_of(self, here: Self::F, next: Self::F) -> Self::F;
    fn and(self, a: Self::F, b: Self::F) -> Self::F;
    fn or(self, a: Self::F, b: Self::F) -> Self::F;
    fn xor(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// Bit `i`: lane `i` of `a` is at least that of `b`; neither is for NaN.
    fn at_least(self, a: Self::F, b: Self::F) -> u8;
    /// Whether no lane has a bit set.
    fn is_zero(self, a: Self::F) -> bool;
    /// Bit `i`: lane `i` is on different sides of 0.5 in `a` and `b`.
    fn flips(self, a: Self::F, b: Self::F) -> u8;
    /// Sum of the lanes: halves, quarters, then pairs, lane by lane.
    fn sum(self, a: Self::F) -> f32;

    fn zero_i(self) -> Self::I;
    /// Truncates; lanes must lie in `0 ..= 2^31 - 128`.
    fn truncate(self, a: Self::F) -> Self::I;
    fn add_i(self, a: Self::I, b: Self::I) -> Self::I;
    fn sub_i(self, a: Self::I, b: Self::I) -> Self::I;
    /// Sum of the lanes modulo 2^32, as two's complement.
    fn sum_i(self, a: Self::I) -> i32;
}

/// Work written once for any instruction set.
pub(crate) trait OctetWork {
    /// What the work returns.
    type Output;
    /// Does the work. Must be `#[inline(always)]`, so that it is compiled once for each
    /// instruction set.
    fn run<O: Octet>(self, octet: O) -> Self::Output;
}

/// Runs `work` with the instructions of `set`, or in plain Rust where the processor lacks them.
pub(crate) fn run_octet<W: OctetWork>(set: InstructionSet, work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if set != InstructionSet::Scalar && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the instructions were detected on the line above.
        return unsafe { x86::run_avx2(work) };
    }
    let _ = set;
    work.run(Plain)
}

/// Plain Rust: the specification the vectors must equal.
#[derive(Clone, Copy)]
struct Plain;

#[inline(always)]
fn lanes<T>(of: impl FnMut(usize) -> T) -> [T; 8] {
    std::array::from_fn(of)
}

/// Applies an operation on words to the bits of singles.
#[inline(always)]
fn on_bits(a: [f32; 8], b: [f32; 8], operation: impl Fn(u32, u32) -> u32) -> [f32; 8] {
    lanes(|i| f32::from_bits(operation(a[i].to_bits(), b[i].to_bits())))
}

impl Octet for Plain {
    type F = [f32; 8];
    type I = [i32; 8];

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 8] {
        [value; 8]
    }
    #[inline(always)]
    fn load(self, from: &Eight) -> [f32; 8] {
        from.0
    }
    #[inline(always)]
    fn store(self, lanes: [f32; 8], to: &mut Eight) {
        to.0 = lanes;
    }
    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(|i| a[i] - b[i])
    }
    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn shrink(self, squared: [f32; 8]) -> [f32; 8] {
        lanes(|i| 1.0 / (if squared[i] > 1.0 { squared[i] } else { 1.0 }).sqrt())
    }
    #[inline(always)]
    fn clamp_to_unit(self, a: [f32; 8]) -> [f32; 8] {
        lanes(|i| {
            let positive = if a[i] > 0.0 { a[i] } else { 0.0 };
            if positive < 1.0 { positive } else { 1.0 }
        })
    }
    #[inline(always)]
    fn left_of(self, previous: [f32; 8], here: [f32; 8]) -> [f32; 8] {
        lanes(|i| if i == 0 { previous[7] } else { here[i - 1] })
    }
    #[inline(always)]
    fn right_of(self, here: [f32; 8], next: [f32; 8]) -> [f32; 8] {
        lanes(|i| if i == 7 { next[0] } else { here[i + 1] })
    }
    #[inline(always)]
    fn and(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        on_bits(a, b, |a, b| a & b)
    }
    #[inline(always)]
    fn or(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        on_bits(a, b, |a, b| a | b)
    }
    #[inline(always)]
    fn xor(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        on_bits(a, b, |a, b| a ^ b)
    }
    #[inline(always)]
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        lanes(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn at_least(self, a: [f32; 8], b: [f32; 8]) -> u8 {
        (0..8).fold(0, |bits, i| bits | u8::from(a[i] >= b[i]) << i)
    }
    #[inline(always)]
    fn is_zero(self, a: [f32; 8]) -> bool {
        a.iter().fold(0, |bits, lane| bits | lane.to_bits()) == 0
    }
    #[inline(always)]
    fn flips(self, a: [f32; 8], b: [f32; 8]) -> u8 {
        (0..8).fold(0, |bits, i| bits | u8::from((a[i] >= 0.5) != (b[i] >= 0.5)) << i)
    }
    #[inline(always)]
    fn sum(self, a: [f32; 8]) -> f32 {
        ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]))
    }
    #[inline(always)]
    fn zero_i(self) -> [i32; 8] {
        [0; 8]
    }
    #[inline(always)]
    fn truncate(self, a: [f32; 8]) -> [i32; 8] {
        lanes(|i| a[i] as i32)
    }
    #[inline(always)]
    fn add_i(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        lanes(|i| a[i].wrapping_add(b[i]))
    }
    #[inline(always)]
    fn sub_i(self, a: [i32; 8], b: [i32; 8]) -> [i32; 8] {
        lanes(|i| a[i].wrapping_sub(b[i]))
    }
    #[inline(always)]
    fn sum_i(self, a: [i32; 8]) -> i32 {
        a.iter().fold(0, |sum, &lane| sum.wrapping_add(lane))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Eight, Octet, OctetWork};
    use std::arch::x86_64::*;

    /// The token proves AVX2.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    #[target_feature(enable = "avx2")]
    pub(super) fn run_avx2<W: OctetWork>(work: W) -> W::Output {
        work.run(Avx2(()))
    }

    /// One method a line: name, arguments, result, intrinsic expression.
    macro_rules! methods {
        ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $body:expr;)*) => {
            $(#[inline(always)]
            fn $name(self $(, $arg: $type)*) -> $result {
                // SAFETY: `self` exists, so the processor has the instructions; an `Eight` is
                // 32 aligned bytes.
                unsafe { $body }
            })*
        };
    }

    impl Octet for Avx2 {
        type F = __m256;
        type I = __m256i;

        methods! {
            splat(value: f32) -> __m256 = _mm256_set1_ps(value);
            load(from: &Eight) -> __m256 = _mm256_load_ps(from.0.as_ptr());
            store(lanes: __m256, to: &mut Eight) -> () =
                _mm256_store_ps(to.0.as_mut_ptr(), lanes);
            add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
            sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
            mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
            // max and min give their second operand for NaN, as the comparisons of `Plain` do
            shrink(squared: __m256) -> __m256 = {
                let one = _mm256_set1_ps(1.0);
                _mm256_div_ps(one, _mm256_sqrt_ps(_mm256_max_ps(squared, one)))
            };
            clamp_to_unit(a: __m256) -> __m256 =
                _mm256_min_ps(_mm256_max_ps(a, _mm256_setzero_ps()), _mm256_set1_ps(1.0));
            left_of(previous: __m256, here: __m256) -> __m256 = {
                let (previous, here) = (_mm256_castps_si256(previous), _mm256_castps_si256(here));
                let middle = _mm256_permute2x128_si256::<0x21>(previous, here);
                _mm256_castsi256_ps(_mm256_alignr_epi8::<12>(here, middle))
            };
            right_of(here: __m256, next: __m256) -> __m256 = {
                let (here, next) = (_mm256_castps_si256(here), _mm256_castps_si256(next));
                let middle = _mm256_permute2x128_si256::<0x21>(here, next);
                _mm256_castsi256_ps(_mm256_alignr_epi8::<4>(middle, here))
            };
            and(a: __m256, b: __m256) -> __m256 = _mm256_and_ps(a, b);
            or(a: __m256, b: __m256) -> __m256 = _mm256_or_ps(a, b);
            xor(a: __m256, b: __m256) -> __m256 = _mm256_xor_ps(a, b);
            div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
            at_least(a: __m256, b: __m256) -> u8 =
                _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(a, b)) as u8;
            is_zero(a: __m256) -> bool = {
                let a = _mm256_castps_si256(a);
                _mm256_testz_si256(a, a) == 1
            };
            flips(a: __m256, b: __m256) -> u8 = {
                let half = _mm256_set1_ps(0.5);
                let (a, b) = (
                    _mm256_cmp_ps::<_CMP_GE_OQ>(a, half),
                    _mm256_cmp_ps::<_CMP_GE_OQ>(b, half),
                );
                _mm256_movemask_ps(_mm256_xor_ps(a, b)) as u8
            };
            sum(a: __m256) -> f32 = {
                let half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
                let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
                _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps::<1>(quarter, quarter)))
            };
            zero_i() -> __m256i = _mm256_setzero_si256();
            truncate(a: __m256) -> __m256i = _mm256_cvttps_epi32(a);
            add_i(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
            sub_i(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
            sum_i(a: __m256i) -> i32 = {
                let half =
                    _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
                let quarter = _mm_add_epi32(half, _mm_shuffle_epi32::<0b0100_1110>(half));
                let pair = _mm_add_epi32(quarter, _mm_shuffle_epi32::<0b1011_0001>(quarter));
                _mm_cvtsi128_si32(pair)
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::InstructionSet;

    /// Every operation on lanes that hold odd values, as bits.
    struct Everything(Eight, Eight);

    impl OctetWork for Everything {
        type Output = Vec<u32>;

        #[inline(always)]
        fn run<O: Octet>(self, o: O) -> Vec<u32> {
            let (a, b) = (o.load(&self.0), o.load(&self.1));
            let mut out = Eight([0.0; 8]);
            let mut bits = Vec::new();
            let vectors = [
                o.add(a, b),
                o.sub(a, b),
                o.mul(a, b),
                o.div(a, b),
                o.shrink(a),
                o.clamp_to_unit(a),
                o.left_of(a, b),
                o.right_of(a, b),
                o.and(a, b),
                o.or(a, b),
                o.xor(a, b),
                o.splat(1.5),
            ];
            for lanes in vectors {
                o.store(lanes, &mut out);
                // which NaN comes out is nobody's promise
                bits.extend(out.0.map(|lane| if lane.is_nan() { 1 } else { lane.to_bits() }));
            }
            let small = o.clamp_to_unit(b);
            bits.push(o.sum(small).to_bits());
            let words = o.truncate(o.mul(small, o.splat(1e6)));
            let words = o.sub_i(o.add_i(words, words), o.add_i(words, o.zero_i()));
            bits.push(o.sum_i(words) as u32);
            bits.extend([u32::from(o.flips(a, b)), u32::from(o.is_zero(a))]);
            bits.push(u32::from(o.at_least(a, b)));
            bits
        }
    }

    #[test]
    fn vectors_equal_plain_rust() {
        let odd = Eight([0.0, -0.0, f32::NAN, f32::INFINITY, 0.5, -7.25, 1.0e-40, 3.0]);
        let other = Eight([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]);
        let zero = Eight([0.0; 8]);
        for (a, b) in [(odd, other), (other, odd), (zero, zero), (other, other)] {
            let plain = run_octet(InstructionSet::Scalar, Everything(a, b));
            for set in InstructionSet::available() {
                assert_eq!(run_octet(set, Everything(a, b)), plain, "{set:?}");
            }
        }
    }
}
