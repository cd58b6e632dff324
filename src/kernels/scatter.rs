//! Draws of `N` replicates at a time, and the packed counts they add up to, for the twins.

use super::hazard_ratio_bootstrap::Plan;
use super::lanes::Lanes;
use crate::numeric::draw::{Stream, Width};
use crate::numeric::philox;

/// Blocks of random words made together: their rounds do not wait for each other.
const BLOCKS: usize = 2;

/// Philox4x32-10 for [`BLOCKS`] blocks of each of `N` consecutive replicates, from block `block`.
#[inline(always)]
fn philox_blocks<L: Lanes>(
    l: L,
    keys: &[[L::U; 2]; philox::ROUNDS as usize],
    block: u32,
    [low, high, tag]: [L::U; 3],
) -> [[L::U; 4]; BLOCKS] {
    let mut words = [[l.u(block), low, high, tag], [l.u(block + 1), low, high, tag]];
    for key in keys {
        for words in &mut words {
            let [c0, c1, c2, c3] = *words;
            let (high_0, low_0) = l.mul_wide(c0, philox::MULTIPLIER_0);
            let (high_1, low_1) = l.mul_wide(c2, philox::MULTIPLIER_1);
            let first = l.xor(l.xor(high_1, c1), key[0]);
            *words = [first, low_1, l.xor(l.xor(high_0, c3), key[1]), low_0];
        }
    }
    words
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

/// Draws the slots of a plan for `N` replicates at a time.
pub(super) struct Drawer<'a, L: Lanes> {
    plan: &'a Plan,
    stream: Stream,
    /// Round keys.
    keys: [[L::U; 2]; philox::ROUNDS as usize],
    /// Of narrow draws, a word of random bits: bounds and rejection thresholds of its two slots,
    /// packed as its halves are. A slot beyond the last has bound 0 and is never rejected.
    halves: Vec<[u32; 2]>,
}

impl<'a, L: Lanes> Drawer<'a, L> {
    #[inline(always)]
    pub(super) fn new(l: L, plan: &'a Plan, stream: Stream) -> Self {
        let [k0, k1] = philox::key_of_seed(plan.seed);
        let mut round = 0_u32;
        let keys = std::array::from_fn(|_| {
            let key = [
                l.u(k0.wrapping_add(philox::WEYL_0.wrapping_mul(round))),
                l.u(k1.wrapping_add(philox::WEYL_1.wrapping_mul(round))),
            ];
            round += 1;
            key
        });
        let mut halves = Vec::new();
        if plan.width == Width::Narrow {
            let pack = |pair: &[super::hazard_ratio_bootstrap::Slot]| {
                let second = pair.get(1).map_or([0; 2], |slot| [slot.bound, slot.threshold]);
                [pair[0].bound | second[0] << 16, pair[0].threshold | second[1] << 16]
            };
            halves.extend(plan.slots.chunks(2).map(pack));
            halves.resize(plan.slots.len().div_ceil(8 * BLOCKS) * 4 * BLOCKS, [0; 2]);
        }
        Self { plan, stream, keys, halves }
    }

    /// Draws every slot of the `N` replicates from number `first`. `take` is given slot, lane and
    /// unit; the slots of a lane come in order.
    #[inline(always)]
    pub(super) fn draw(&self, l: L, first: u64, take: impl FnMut(usize, usize, u32)) {
        match self.plan.width {
            Width::Narrow => self.draw_narrow(l, first, take),
            Width::Wide => self.draw_wide(l, first, take),
        }
    }

    #[inline(always)]
    fn draw_narrow(&self, l: L, first: u64, mut take: impl FnMut(usize, usize, u32)) {
        let (low, high) = replicate_words(l, first);
        let counter = [low, high, l.u((self.stream as u32) << 16)];
        let slots = &self.plan.slots;
        for (turn, halves) in self.halves.chunks_exact(4 * BLOCKS).enumerate() {
            let blocks = philox_blocks(l, &self.keys, (turn * BLOCKS) as u32, counter);
            let words = blocks.as_flattened();
            let mut units = [[0_u32; 16]; 4 * BLOCKS];
            let mut rejected = l.u(0);
            for ((units, &word), &[bounds, thresholds]) in units.iter_mut().zip(words).zip(halves) {
                let fraction = l.mul_low_16(word, l.u(bounds));
                rejected = l.or(rejected, l.excess_16(l.u(thresholds), fraction));
                l.store(l.mul_high_16(word, l.u(bounds)), units);
            }
            let begin = 8 * BLOCKS * turn;
            if !l.all(l.eq_u(rejected, l.u(0))) {
                let mut bits = [[0_u32; 16]; 4 * BLOCKS];
                words.iter().zip(&mut bits).for_each(|(&word, bits)| l.store(word, bits));
                for (word, (bits, units)) in bits.iter().zip(&mut units).enumerate() {
                    let slot = begin + 2 * word;
                    for (lane, unit) in units[..L::N].iter_mut().enumerate() {
                        let replicate = first + lane as u64;
                        *unit = self.draw_again(replicate, slot, halves[word], bits[lane], *unit);
                    }
                }
            }
            let slots = &slots[begin..(begin + 8 * BLOCKS).min(slots.len())];
            for (word, (units, pair)) in units.iter().zip(slots.chunks(2)).enumerate() {
                let slot = begin + 2 * word;
                for (lane, unit) in units[..L::N].iter().enumerate() {
                    take(slot, lane, pair[0].base + (unit & 0xFFFF));
                    if let Some(second) = pair.get(1) {
                        take(slot + 1, lane, second.base + (unit >> 16));
                    }
                }
            }
        }
    }

    /// Two units, packed, with those drawn again that were rejected: of the slots from `slot` with
    /// their packed bounds and thresholds, drawn by the random `bits`.
    #[cold]
    fn draw_again(
        &self,
        replicate: u64,
        slot: usize,
        both: [u32; 2],
        bits: u32,
        units: u32,
    ) -> u32 {
        [0, 16].into_iter().fold(units, |units, half| {
            let [bound, threshold] = both.map(|packed| packed >> half & 0xFFFF);
            if ((bits >> half & 0xFFFF) * bound) & 0xFFFF >= threshold {
                return units;
            }
            let slot = slot + half / 16;
            let drawn = self.plan.draw_at(self.stream, replicate, slot);
            units & !(0xFFFF << half) | (drawn - self.plan.slots[slot].base) << half
        })
    }

    #[inline(always)]
    fn draw_wide(&self, l: L, first: u64, mut take: impl FnMut(usize, usize, u32)) {
        let (low, high) = replicate_words(l, first);
        let counter = [low, high, l.u((self.stream as u32) << 16)];
        for (turn, slots) in self.plan.slots.chunks(4 * BLOCKS).enumerate() {
            let blocks = philox_blocks(l, &self.keys, (turn * BLOCKS) as u32, counter);
            for (place, (slot, &word)) in slots.iter().zip(blocks.as_flattened()).enumerate() {
                let (unit, fraction) = l.mul_wide(word, slot.bound);
                // Both sides are halved so that the signed comparison of the lanes is right; a tie
                // within the lost bit asks for the exact draw again, which costs nothing but time.
                let rejected = l.lt_u(l.shr(fraction, 1), l.u(slot.threshold / 2 + 1));
                let mut drawn = [0_u32; 16];
                l.store(l.add_u(unit, l.u(slot.base)), &mut drawn);
                let number = 4 * BLOCKS * turn + place;
                if l.any(rejected) {
                    for (lane, unit) in drawn[..L::N].iter_mut().enumerate() {
                        *unit = self.plan.draw_at(self.stream, first + lane as u64, number);
                    }
                }
                for (lane, &unit) in drawn[..L::N].iter().enumerate() {
                    take(number, lane, unit);
                }
            }
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
