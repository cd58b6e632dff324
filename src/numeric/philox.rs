//! Philox4x32-10: four random words that are a pure function of a key and a counter.
//!
//! # Source
//! Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11. Constants and
//! the known answers in the tests are those of the authors' Random123 distribution. There is no
//! state, so any replicate can be computed alone, on any device, in any order.

/// First round multiplier.
pub(crate) const MULTIPLIER_0: u32 = 0xD251_1F53;
/// Second round multiplier.
pub(crate) const MULTIPLIER_1: u32 = 0xCD9E_8D57;
/// First key increment a round (the golden ratio).
pub(crate) const WEYL_0: u32 = 0x9E37_79B9;
/// Second key increment a round (the square root of 3, less 1).
pub(crate) const WEYL_1: u32 = 0xBB67_AE85;
/// Number of rounds; 10 is the authors' recommendation.
pub(crate) const ROUNDS: u32 = 10;

/// Four random words for `counter` under `key`.
///
/// ```
/// use herscope::numeric::philox::philox4x32;
/// // Random123's known answer for zero key and counter.
/// assert_eq!(philox4x32([0; 2], [0; 4]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
/// ```
#[inline]
pub fn philox4x32(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    for _ in 0..ROUNDS {
        let product_0 = u64::from(MULTIPLIER_0) * u64::from(c0);
        let product_1 = u64::from(MULTIPLIER_1) * u64::from(c2);
        (c0, c1, c2, c3) = (
            (product_1 >> 32) as u32 ^ c1 ^ k0,
            product_1 as u32,
            (product_0 >> 32) as u32 ^ c3 ^ k1,
            product_0 as u32,
        );
        k0 = k0.wrapping_add(WEYL_0);
        k1 = k1.wrapping_add(WEYL_1);
    }
    [c0, c1, c2, c3]
}

/// The Philox key of a user's 64-bit seed: low word first.
#[inline]
pub fn key_of_seed(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::philox4x32;

    #[test]
    fn known_answers_of_random123_hold() {
        let ones = u32::MAX;
        assert_eq!(
            philox4x32([ones; 2], [ones; 4]),
            [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
            "all-ones known answer"
        );
        assert_eq!(
            philox4x32([0xa4093822, 0x299f31d0], [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]),
            [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
            "digits-of-pi known answer"
        );
    }
}
