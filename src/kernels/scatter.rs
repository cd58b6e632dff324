//! Draws of `N` replicates at a time, and the packed counts they add up to, for the twins.

use super::hazard_ratio_bootstrap::Plan;
use super::lanes::Lanes;
use crate::numeric::draw::{Stream, Width};
use crate::numeric::philox;

/// Philox4x32-10 for one block of `N` consecutive replicates.
#[inline(always)]
fn philox_block<L: Lanes>(l: L, key: [u32; 2], counter: [L::U; 4]) -> [L::U; 4] {
    let [mut k0, mut k1] = key;
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    for _ in 0..philox::ROUNDS {
        let (high_0, low_0) = l.mul_wide(c0, philox::MULTIPLIER_0);
        let (high_1, low_1) = l.mul_wide(c2, philox::MULTIPLIER_1);
        (c0, c1, c2, c3) =
            (l.xor(l.xor(high_1, c1), l.u(k0)), low_1, l.xor(l.xor(high_0, c3), l.u(k1)), low_0);
        k0 = k0.wrapping_add(philox::WEYL_0);
        k1 = k1.wrapping_add(philox::WEYL_1);
    }
    [c0, c1, c2, c3]
}

/// The numbers of `N` replicates from `first`, low and high words.
#[inline(always)]
fn replicate_words<L: Lanes>(l: L, first: u64) -> (L::U, L::U) {
    let (mut low, mut high) = ([0_u32; 16], [0_u32; 16]);
    for lane in 0..L::N {
        let replicate = first.wrapping_add(lane as u64);
        low[lane] = replicate as u32;
        high[lane] = (replicate >> 32) as u32;
    }
    (l.load(&low), l.load(&high))
}

/// Draws every slot of the `N` replicates from number `first` of `stream`, in order, and gives
/// `take` the slot and what each lane drew.
#[inline(always)]
pub(super) fn draw_slots<L: Lanes>(
    l: L,
    plan: &Plan,
    stream: Stream,
    first: u64,
    mut take: impl FnMut(usize, &[u32]),
) {
    let key = philox::key_of_seed(plan.seed);
    let (low, high) = replicate_words(l, first);
    let tag = l.u((stream as u32) << 16);
    let narrow = plan.width == Width::Narrow;
    let per_block = if narrow { 8 } else { 4 };
    for (block, slots) in plan.slots.chunks(per_block).enumerate() {
        let words = philox_block(l, key, [l.u(block as u32), low, high, tag]);
        for (place, slot) in slots.iter().enumerate() {
            let (unit, rejected) = if narrow {
                let bits = l.shr(l.shl(words[place >> 1], l.u(16 * (1 - place as u32 % 2))), 16);
                let product = l.mul_u(bits, l.u(slot.bound));
                let fraction = l.and(product, l.u(0xFFFF));
                (l.shr(product, 16), l.lt_u(fraction, l.u(slot.threshold)))
            } else {
                let (unit, fraction) = l.mul_wide(words[place], slot.bound);
                // Both sides are halved so that the signed comparison of the lanes is right; a tie
                // within the lost bit asks for the exact word again, which costs nothing but time.
                (unit, l.lt_u(l.shr(fraction, 1), l.u(slot.threshold / 2 + 1)))
            };
            let mut drawn = [0_u32; 16];
            l.store(l.add_u(unit, l.u(slot.base)), &mut drawn);
            let slot = block * per_block + place;
            if l.any(rejected) {
                // Every lane is drawn again by the scalar layout, which knows about rejection.
                for (lane, unit) in drawn[..L::N].iter_mut().enumerate() {
                    *unit = plan.draw_at(stream, first + lane as u64, slot);
                }
            }
            take(slot, &drawn[..L::N]);
        }
    }
}

/// `d0, d1, c0, c1` of time `at`: deaths and leavers of the two arms.
#[inline(always)]
pub(super) fn unpack<L: Lanes>(l: L, plan: &Plan, counts: &[u32], at: usize) -> [L::U; 4] {
    if plan.words_per_time == 1 {
        let word = l.load(&counts[at * L::N..]);
        let byte = l.u(0xFF);
        [
            l.and(word, byte),
            l.and(l.shr(word, 8), byte),
            l.and(l.shr(word, 16), byte),
            l.shr(word, 24),
        ]
    } else {
        let deaths = l.load(&counts[2 * at * L::N..]);
        let leavers = l.load(&counts[(2 * at + 1) * L::N..]);
        let half = l.u(0xFFFF);
        [l.and(deaths, half), l.shr(deaths, 16), l.and(leavers, half), l.shr(leavers, 16)]
    }
}
