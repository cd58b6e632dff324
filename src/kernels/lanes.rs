//! Vectors of 32-bit lanes for the CPU twins: one generic text, run 1, 8 or 16 replicates or pixels
//! at a time.
//!
//! A twin is written once over [`Lanes`]; lane `i` of every operation is the IEEE 754 single or the
//! wrapping 32-bit integer operation, so the result of a lane does not depend on how many lanes
//! there are. There is no fused multiply-add: the shaders have none to rely on.
//!
//! A value of an implementing type is a token: it exists only when the processor has the
//! instructions its methods use ([`with_best`] makes it). That is the proof behind every `unsafe`
//! block here.

mod doubles;
mod octet;

pub(crate) use doubles::{Doubles, EIGHT};
pub(crate) use octet::{Eight, Octet, OctetWork, run_octet};

/// Lane-wise operations on `N` singles, words and truth values.
pub(crate) trait Lanes: Doubles {
    /// Number of lanes.
    const N: usize;
    /// `N` singles.
    type F: Copy;
    /// `N` words.
    type U: Copy;
    /// `N` truth values.
    type M: Copy;

    fn f(self, value: f32) -> Self::F;
    fn u(self, value: u32) -> Self::U;
    /// Loads the first `N` of `words`.
    fn load(self, words: &[u32]) -> Self::U;
    /// Stores into the first `N` of `words`.
    fn store(self, lanes: Self::U, words: &mut [u32]);

    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    fn sqrt(self, a: Self::F) -> Self::F;
    /// The larger; both operands must not be NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller; both operands must not be NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    fn le(self, a: Self::F, b: Self::F) -> Self::M;

    /// Rounds to nearest even; words must be below 2^31.
    fn to_f(self, words: Self::U) -> Self::F;
    /// Rounds the words, read as two's complement, to nearest even.
    fn signed_to_f(self, words: Self::U) -> Self::F;
    /// Truncates; lanes must lie in `0 ..= 2^31 - 128`.
    fn to_u(self, lanes: Self::F) -> Self::U;
    fn bits(self, lanes: Self::F) -> Self::U;
    fn of_bits(self, words: Self::U) -> Self::F;

    fn add_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn sub_u(self, a: Self::U, b: Self::U) -> Self::U;
    fn mul_u(self, a: Self::U, b: Self::U) -> Self::U;
    /// High and low words of the product with a constant.
    fn mul_wide(self, a: Self::U, b: u32) -> (Self::U, Self::U);
    fn xor(self, a: Self::U, b: Self::U) -> Self::U;
    fn and(self, a: Self::U, b: Self::U) -> Self::U;
    fn or(self, a: Self::U, b: Self::U) -> Self::U;
    fn shl(self, a: Self::U, by: Self::U) -> Self::U;
    fn shr(self, a: Self::U, by: u32) -> Self::U;
    /// Larger word; words must be below 2^31.
    fn max_u(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a < b`; words must be below 2^31.
    fn lt_u(self, a: Self::U, b: Self::U) -> Self::M;
    fn eq_u(self, a: Self::U, b: Self::U) -> Self::M;

    fn or_m(self, a: Self::M, b: Self::M) -> Self::M;
    fn and_m(self, a: Self::M, b: Self::M) -> Self::M;
    /// Where true `a`, elsewhere `b`.
    fn pick(self, which: Self::M, a: Self::F, b: Self::F) -> Self::F;
    /// Where true `a`, elsewhere `b`.
    fn pick_u(self, which: Self::M, a: Self::U, b: Self::U) -> Self::U;
    fn any(self, which: Self::M) -> bool;
    fn all(self, which: Self::M) -> bool;
    /// Largest word of all lanes; words must be below 2^31.
    fn widest(self, words: Self::U) -> u32;

    /// Loads the first `N` of `bytes`, each into a word.
    fn load_8(self, bytes: &[u8]) -> Self::U;
    /// Loads the first `N` of `halves`, each into a word.
    fn load_16(self, halves: &[u16]) -> Self::U;
    /// High half of the product of each 16-bit half.
    fn mul_high_16(self, a: Self::U, b: Self::U) -> Self::U;
    /// Low half of the product of each 16-bit half.
    fn mul_low_16(self, a: Self::U, b: Self::U) -> Self::U;
    /// `a - b` of each 16-bit half, 0 where that is negative.
    fn excess_16(self, a: Self::U, b: Self::U) -> Self::U;
}

/// One lane of plain Rust: the specification the vector versions must equal.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Lanes for Scalar {
    const N: usize = 1;
    type F = f32;
    type U = u32;
    type M = bool;

    fn f(self, value: f32) -> f32 {
        value
    }
    fn u(self, value: u32) -> u32 {
        value
    }
    fn load(self, words: &[u32]) -> u32 {
        words[0]
    }
    fn store(self, lanes: u32, words: &mut [u32]) {
        words[0] = lanes;
    }
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }
    fn sqrt(self, a: f32) -> f32 {
        a.sqrt()
    }
    fn max(self, a: f32, b: f32) -> f32 {
        a.max(b)
    }
    fn min(self, a: f32, b: f32) -> f32 {
        a.min(b)
    }
    fn le(self, a: f32, b: f32) -> bool {
        a <= b
    }
    fn to_f(self, words: u32) -> f32 {
        words as f32
    }
    fn signed_to_f(self, words: u32) -> f32 {
        words as i32 as f32
    }
    fn to_u(self, lanes: f32) -> u32 {
        lanes as u32
    }
    fn bits(self, lanes: f32) -> u32 {
        lanes.to_bits()
    }
    fn of_bits(self, words: u32) -> f32 {
        f32::from_bits(words)
    }
    fn add_u(self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }
    fn sub_u(self, a: u32, b: u32) -> u32 {
        a.wrapping_sub(b)
    }
    fn mul_u(self, a: u32, b: u32) -> u32 {
        a.wrapping_mul(b)
    }
    fn mul_wide(self, a: u32, b: u32) -> (u32, u32) {
        let product = u64::from(a) * u64::from(b);
        ((product >> 32) as u32, product as u32)
    }
    fn xor(self, a: u32, b: u32) -> u32 {
        a ^ b
    }
    fn and(self, a: u32, b: u32) -> u32 {
        a & b
    }
    fn or(self, a: u32, b: u32) -> u32 {
        a | b
    }
    fn shl(self, a: u32, by: u32) -> u32 {
        a.wrapping_shl(by)
    }
    fn shr(self, a: u32, by: u32) -> u32 {
        a >> by
    }
    fn max_u(self, a: u32, b: u32) -> u32 {
        a.max(b)
    }
    fn lt_u(self, a: u32, b: u32) -> bool {
        a < b
    }
    fn eq_u(self, a: u32, b: u32) -> bool {
        a == b
    }
    fn or_m(self, a: bool, b: bool) -> bool {
        a | b
    }
    fn and_m(self, a: bool, b: bool) -> bool {
        a & b
    }
    fn pick(self, which: bool, a: f32, b: f32) -> f32 {
        if which { a } else { b }
    }
    fn pick_u(self, which: bool, a: u32, b: u32) -> u32 {
        if which { a } else { b }
    }
    fn any(self, which: bool) -> bool {
        which
    }
    fn all(self, which: bool) -> bool {
        which
    }
    fn widest(self, words: u32) -> u32 {
        words
    }
    fn load_8(self, bytes: &[u8]) -> u32 {
        u32::from(bytes[0])
    }
    fn load_16(self, halves: &[u16]) -> u32 {
        u32::from(halves[0])
    }
    fn mul_high_16(self, a: u32, b: u32) -> u32 {
        ((a & 0xFFFF) * (b & 0xFFFF)) >> 16 | ((a >> 16) * (b >> 16)) & 0xFFFF_0000
    }
    fn mul_low_16(self, a: u32, b: u32) -> u32 {
        ((a & 0xFFFF) * (b & 0xFFFF)) & 0xFFFF | ((a >> 16) * (b >> 16)) << 16
    }
    fn excess_16(self, a: u32, b: u32) -> u32 {
        (a & 0xFFFF).saturating_sub(b & 0xFFFF) | (a >> 16).saturating_sub(b >> 16) << 16
    }
}

/// Work written once for any number of lanes.
pub(crate) trait LaneWork {
    /// What the work returns.
    type Output;
    /// Does the work with `lanes`. Must be `#[inline(always)]`, so that it is compiled once for
    /// each instruction set.
    fn run<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// How many lanes the CPU engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionSet {
    /// Plain Rust, one lane.
    Scalar,
    /// 8 lanes (x86-64 with AVX2).
    Avx2,
    /// 16 lanes (x86-64 with AVX-512 F and BW).
    Avx512,
}

impl InstructionSet {
    /// The widest one this processor has.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                return Self::Avx512;
            }
            if std::arch::is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
        }
        Self::Scalar
    }

    /// Every one this processor has, narrowest first.
    pub fn available() -> Vec<Self> {
        let best = Self::best();
        [Self::Scalar, Self::Avx2, Self::Avx512]
            .into_iter()
            .take_while(|&set| set == Self::Scalar || best != Self::Scalar)
            .filter(|&set| set != Self::Avx512 || best == Self::Avx512)
            .collect()
    }

    /// Its name in documents: `scalar`, `avx2`, `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
}

/// Runs `work` with the lanes of `set`, or with one lane where the processor lacks them.
pub(crate) fn run_with<W: LaneWork>(set: InstructionSet, work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    match set {
        InstructionSet::Avx512 if has_avx512() => {
            // SAFETY: the instructions were detected on the line above.
            return unsafe { x86::run_avx512(work) };
        }
        InstructionSet::Avx2 if std::arch::is_x86_feature_detected!("avx2") => {
            // SAFETY: the instructions were detected on the line above.
            return unsafe { x86::run_avx2(work) };
        }
        _ => {}
    }
    let _ = set;
    work.run(Scalar)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{LaneWork, Lanes};
    use std::arch::x86_64::*;

    /// Eight lanes; the token proves AVX2.
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    /// Sixteen lanes; the token proves AVX-512 F and BW.
    #[derive(Clone, Copy)]
    pub(super) struct Avx512(());

    #[target_feature(enable = "avx2")]
    pub(super) fn run_avx2<W: LaneWork>(work: W) -> W::Output {
        work.run(Avx2(()))
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn run_avx512<W: LaneWork>(work: W) -> W::Output {
        work.run(Avx512(()))
    }

    /// One method a line: name, arguments, result, intrinsic expression.
    macro_rules! methods {
        ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty = $body:expr;)*) => {
            $(#[inline(always)]
            #[allow(unused_unsafe, reason = "some bodies are plain integer operations")]
            fn $name(self $(, $arg: $type)*) -> $result {
                // SAFETY: `self` exists, so the processor has the instructions; loads and stores
                // are unaligned and their slices are checked to hold all lanes.
                unsafe { $body }
            })*
        };
    }

    impl Lanes for Avx2 {
        const N: usize = 8;
        type F = __m256;
        type U = __m256i;
        type M = __m256i;

        methods! {
            f(value: f32) -> __m256 = _mm256_set1_ps(value);
            u(value: u32) -> __m256i = _mm256_set1_epi32(value as i32);
            load(words: &[u32]) -> __m256i = _mm256_loadu_si256(words[..8].as_ptr().cast());
            store(lanes: __m256i, words: &mut [u32]) -> () =
                _mm256_storeu_si256(words[..8].as_mut_ptr().cast(), lanes);
            add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
            sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
            mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
            div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
            sqrt(a: __m256) -> __m256 = _mm256_sqrt_ps(a);
            max(a: __m256, b: __m256) -> __m256 = _mm256_max_ps(a, b);
            min(a: __m256, b: __m256) -> __m256 = _mm256_min_ps(a, b);
            le(a: __m256, b: __m256) -> __m256i =
                _mm256_castps_si256(_mm256_cmp_ps::<_CMP_LE_OQ>(a, b));
            to_f(words: __m256i) -> __m256 = _mm256_cvtepi32_ps(words);
            signed_to_f(words: __m256i) -> __m256 = _mm256_cvtepi32_ps(words);
            to_u(lanes: __m256) -> __m256i = _mm256_cvttps_epi32(lanes);
            bits(lanes: __m256) -> __m256i = _mm256_castps_si256(lanes);
            of_bits(words: __m256i) -> __m256 = _mm256_castsi256_ps(words);
            add_u(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi32(a, b);
            sub_u(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
            mul_u(a: __m256i, b: __m256i) -> __m256i = _mm256_mullo_epi32(a, b);
            mul_wide(a: __m256i, b: u32) -> (__m256i, __m256i) = {
                let b = _mm256_set1_epi32(b as i32);
                let even = _mm256_mul_epu32(a, b);
                let odd = _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), b);
                let high = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<32>(even), odd);
                let low = _mm256_blend_epi32::<0b1010_1010>(even, _mm256_slli_epi64::<32>(odd));
                (high, low)
            };
            xor(a: __m256i, b: __m256i) -> __m256i = _mm256_xor_si256(a, b);
            and(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
            or(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
            shl(a: __m256i, by: __m256i) -> __m256i = _mm256_sllv_epi32(a, by);
            shr(a: __m256i, by: u32) -> __m256i = _mm256_srlv_epi32(a, _mm256_set1_epi32(by as i32));
            max_u(a: __m256i, b: __m256i) -> __m256i = _mm256_max_epi32(a, b);
            lt_u(a: __m256i, b: __m256i) -> __m256i = _mm256_cmpgt_epi32(b, a);
            eq_u(a: __m256i, b: __m256i) -> __m256i = _mm256_cmpeq_epi32(a, b);
            or_m(a: __m256i, b: __m256i) -> __m256i = _mm256_or_si256(a, b);
            and_m(a: __m256i, b: __m256i) -> __m256i = _mm256_and_si256(a, b);
            pick(which: __m256i, a: __m256, b: __m256) -> __m256 =
                _mm256_blendv_ps(b, a, _mm256_castsi256_ps(which));
            pick_u(which: __m256i, a: __m256i, b: __m256i) -> __m256i =
                _mm256_blendv_epi8(b, a, which);
            any(which: __m256i) -> bool = _mm256_movemask_epi8(which) != 0;
            all(which: __m256i) -> bool = _mm256_movemask_epi8(which) == -1;
            widest(words: __m256i) -> u32 = {
                let half = _mm_max_epi32(
                    _mm256_castsi256_si128(words),
                    _mm256_extracti128_si256::<1>(words),
                );
                let pair = _mm_max_epi32(half, _mm_shuffle_epi32::<0b0100_1110>(half));
                _mm_cvtsi128_si32(_mm_max_epi32(pair, _mm_shuffle_epi32::<0b1011_0001>(pair))) as u32
            };
            load_8(bytes: &[u8]) -> __m256i =
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes[..8].as_ptr().cast()));
            load_16(halves: &[u16]) -> __m256i =
                _mm256_cvtepu16_epi32(_mm_loadu_si128(halves[..8].as_ptr().cast()));
            mul_high_16(a: __m256i, b: __m256i) -> __m256i = _mm256_mulhi_epu16(a, b);
            mul_low_16(a: __m256i, b: __m256i) -> __m256i = _mm256_mullo_epi16(a, b);
            excess_16(a: __m256i, b: __m256i) -> __m256i = _mm256_subs_epu16(a, b);
        }
    }

    impl Lanes for Avx512 {
        const N: usize = 16;
        type F = __m512;
        type U = __m512i;
        type M = __mmask16;

        methods! {
            f(value: f32) -> __m512 = _mm512_set1_ps(value);
            u(value: u32) -> __m512i = _mm512_set1_epi32(value as i32);
            load(words: &[u32]) -> __m512i = _mm512_loadu_si512(words[..16].as_ptr().cast());
            store(lanes: __m512i, words: &mut [u32]) -> () =
                _mm512_storeu_si512(words[..16].as_mut_ptr().cast(), lanes);
            add(a: __m512, b: __m512) -> __m512 = _mm512_add_ps(a, b);
            sub(a: __m512, b: __m512) -> __m512 = _mm512_sub_ps(a, b);
            mul(a: __m512, b: __m512) -> __m512 = _mm512_mul_ps(a, b);
            div(a: __m512, b: __m512) -> __m512 = _mm512_div_ps(a, b);
            sqrt(a: __m512) -> __m512 = _mm512_sqrt_ps(a);
            max(a: __m512, b: __m512) -> __m512 = _mm512_max_ps(a, b);
            min(a: __m512, b: __m512) -> __m512 = _mm512_min_ps(a, b);
            le(a: __m512, b: __m512) -> __mmask16 = _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b);
            to_f(words: __m512i) -> __m512 = _mm512_cvtepi32_ps(words);
            signed_to_f(words: __m512i) -> __m512 = _mm512_cvtepi32_ps(words);
            to_u(lanes: __m512) -> __m512i = _mm512_cvttps_epi32(lanes);
            bits(lanes: __m512) -> __m512i = _mm512_castps_si512(lanes);
            of_bits(words: __m512i) -> __m512 = _mm512_castsi512_ps(words);
            add_u(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi32(a, b);
            sub_u(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi32(a, b);
            mul_u(a: __m512i, b: __m512i) -> __m512i = _mm512_mullo_epi32(a, b);
            mul_wide(a: __m512i, b: u32) -> (__m512i, __m512i) = {
                let b = _mm512_set1_epi32(b as i32);
                let even = _mm512_mul_epu32(a, b);
                let odd = _mm512_mul_epu32(_mm512_srli_epi64::<32>(a), b);
                let high =
                    _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64::<32>(even), odd);
                let low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64::<32>(odd));
                (high, low)
            };
            xor(a: __m512i, b: __m512i) -> __m512i = _mm512_xor_si512(a, b);
            and(a: __m512i, b: __m512i) -> __m512i = _mm512_and_si512(a, b);
            or(a: __m512i, b: __m512i) -> __m512i = _mm512_or_si512(a, b);
            shl(a: __m512i, by: __m512i) -> __m512i = _mm512_sllv_epi32(a, by);
            shr(a: __m512i, by: u32) -> __m512i = _mm512_srlv_epi32(a, _mm512_set1_epi32(by as i32));
            max_u(a: __m512i, b: __m512i) -> __m512i = _mm512_max_epi32(a, b);
            lt_u(a: __m512i, b: __m512i) -> __mmask16 = _mm512_cmplt_epi32_mask(a, b);
            eq_u(a: __m512i, b: __m512i) -> __mmask16 = _mm512_cmpeq_epi32_mask(a, b);
            or_m(a: __mmask16, b: __mmask16) -> __mmask16 = a | b;
            and_m(a: __mmask16, b: __mmask16) -> __mmask16 = a & b;
            pick(which: __mmask16, a: __m512, b: __m512) -> __m512 =
                _mm512_mask_blend_ps(which, b, a);
            pick_u(which: __mmask16, a: __m512i, b: __m512i) -> __m512i =
                _mm512_mask_blend_epi32(which, b, a);
            any(which: __mmask16) -> bool = which != 0;
            all(which: __mmask16) -> bool = which == u16::MAX;
            widest(words: __m512i) -> u32 = _mm512_reduce_max_epi32(words) as u32;
            load_8(bytes: &[u8]) -> __m512i =
                _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes[..16].as_ptr().cast()));
            load_16(halves: &[u16]) -> __m512i =
                _mm512_cvtepu16_epi32(_mm256_loadu_si256(halves[..16].as_ptr().cast()));
            mul_high_16(a: __m512i, b: __m512i) -> __m512i = _mm512_mulhi_epu16(a, b);
            mul_low_16(a: __m512i, b: __m512i) -> __m512i = _mm512_mullo_epi16(a, b);
            excess_16(a: __m512i, b: __m512i) -> __m512i = _mm512_subs_epu16(a, b);
        }
    }
}
