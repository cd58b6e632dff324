//! From draws to the terms of each lane's likelihood.

use super::super::lanes::Lanes;
use super::{Plan, Unit};

/// A count of copies: a byte where no sample has more than 255 units, two bytes otherwise.
pub(super) trait Count: Copy + Default {
    /// Loads a count of each lane.
    fn load<L: Lanes>(l: L, counts: &[Self]) -> L::U;
    /// One copy more.
    fn increase(&mut self);
}

impl Count for u8 {
    #[inline(always)]
    fn load<L: Lanes>(l: L, counts: &[Self]) -> L::U {
        l.load_8(counts)
    }
    #[inline(always)]
    fn increase(&mut self) {
        *self = self.wrapping_add(1);
    }
}

impl Count for u16 {
    #[inline(always)]
    fn load<L: Lanes>(l: L, counts: &[Self]) -> L::U {
        l.load_16(counts)
    }
    #[inline(always)]
    fn increase(&mut self) {
        *self = self.wrapping_add(1);
    }
}

/// Whose deaths there can be at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deaths {
    OfArm0,
    OfArm1,
    OfBoth,
}

/// A unit of the walk.
#[derive(Clone, Copy)]
struct Place {
    /// Which unit.
    unit: u32,
    /// All ones in arm 1, else 0.
    arm_1: u32,
}

/// An event time, and where its parts of [`Walk::places`] end.
struct Time {
    /// Those who leave from here to the next event time.
    leavers: usize,
    /// Those of arm 0 who die.
    deaths_0: usize,
    /// Those of arm 1 who die.
    deaths_1: usize,
    deaths: Deaths,
}

/// The units from the last event time to the first.
pub(super) struct Walk {
    places: Vec<Place>,
    times: Vec<Time>,
    /// Where those begin who left before the first event time.
    early: usize,
    /// Whether both integers of a term always fit in one word.
    pub(super) packed: bool,
}

impl Walk {
    pub(super) fn new(plan: &Plan, units: &[Unit]) -> Self {
        let per_word = if plan.words_per_time == 1 { 4 } else { 2 };
        // Last time first; at a time first who leaves, then who dies in arm 0, then in arm 1.
        let mut order: Vec<(u32, u32, u32)> = units
            .iter()
            .zip(0..)
            .map(|(unit, number)| {
                let part = unit.word * per_word + unit.increment.trailing_zeros() * per_word / 32;
                (u32::MAX - part / 4, (part % 4 + 2) % 4, number)
            })
            .collect();
        order.sort_unstable();
        let end_of =
            |time: u32, kind: u32| order.partition_point(|unit| (unit.0, unit.1) <= (time, kind));
        let mut times = Vec::new();
        for same in order.chunk_by(|a, b| a.0 == b.0) {
            let [leavers, deaths_0, deaths_1] = [1, 2, 3].map(|kind| end_of(same[0].0, kind));
            let deaths = match (deaths_0 > leavers, deaths_1 > deaths_0) {
                (true, true) => Deaths::OfBoth,
                (true, false) => Deaths::OfArm0,
                (false, true) => Deaths::OfArm1,
                (false, false) => continue,
            };
            times.push(Time { leavers, deaths_0, deaths_1, deaths });
        }
        let place = |&(_, kind, unit): &(u32, u32, u32)| Place {
            unit,
            arm_1: if kind % 2 == 1 { u32::MAX } else { 0 },
        };
        let early = end_of(u32::MAX - 1, 3);
        // At most so many at risk, times the deaths of a time where both arms have some.
        let both = times.iter().any(|time: &Time| time.deaths == Deaths::OfBoth);
        let largest = units.len() * if both { units.len() } else { 1 };
        Self { places: order.iter().map(place).collect(), times, early, packed: largest < 1 << 16 }
    }
}

/// Integer totals of each lane.
pub(super) struct Totals<L: Lanes> {
    /// At risk in each arm at the first event time.
    pub(super) at_risk: [L::U; 2],
    pub(super) deaths: L::U,
    pub(super) deaths_1: L::U,
    /// Terms with somebody of arm 1 at risk.
    pub(super) with_arm_1: L::U,
    /// Terms with nobody of arm 0 at risk.
    pub(super) without_arm_0: L::U,
    /// Largest factor on the numbers at risk (deaths of a time shared by both arms).
    pub(super) factor: L::U,
    pub(super) drawn: [L::U; 2],
}

/// A term `p = a r / (b + a r)` of each lane, as exact integers in singles. A lane without a term
/// there has `a = -0.0, b = 1`.
#[derive(Clone, Copy)]
pub(super) struct Term<L: Lanes> {
    pub(super) a: L::F,
    pub(super) b: L::F,
}

/// A value of each event time, a row of lanes each.
type Rows = Vec<u32>;

/// Room for the terms of a group of lanes, and the terms.
pub(super) struct Terms<L: Lanes> {
    /// What the first term of an event time is: `a`, with `b` in the high half if packed.
    first: Rows,
    /// `b`, if not packed.
    first_b: Rows,
    /// What each further term has less.
    step: Rows,
    step_b: Rows,
    deaths: Rows,
    /// All terms, packed or `a`; and `b`.
    listed: Rows,
    listed_b: Rows,
    /// Each lane's terms from the last event time to the first, without gaps.
    pub(super) terms: Vec<Term<L>>,
}

impl<L: Lanes> Terms<L> {
    pub(super) fn new(walk: &Walk) -> Self {
        let rows = || vec![0; walk.times.len() * L::N];
        // Every event time writes three terms before it knows how many it has.
        let listed = || vec![0; (walk.places.len() + 3) * L::N];
        Self {
            first: rows(),
            first_b: rows(),
            step: rows(),
            step_b: rows(),
            deaths: rows(),
            listed: listed(),
            listed_b: listed(),
            terms: Vec::with_capacity(walk.places.len()),
        }
    }

    /// Lists the terms of all lanes from the copies of each unit, `counts [n_units x N]`.
    #[inline(always)]
    pub(super) fn build<C: Count, const PACKED: bool>(
        &mut self,
        l: L,
        walk: &Walk,
        counts: &[C],
    ) -> Totals<L> {
        let totals = self.walk_down::<C, PACKED>(l, walk, counts);
        list_terms::<L>(&self.first, &self.step, &self.deaths, &mut self.listed);
        if !PACKED {
            list_terms::<L>(&self.first_b, &self.step_b, &self.deaths, &mut self.listed_b);
        }
        let (absent_a, absent_b) = (l.f(-0.0), l.f(1.0));
        let n_terms = l.widest(totals.deaths) as usize;
        let (listed, listed_b) = (&self.listed[..n_terms * L::N], &self.listed_b[..n_terms * L::N]);
        self.terms.clear();
        let rows = listed.chunks_exact(L::N).zip(listed_b.chunks_exact(L::N));
        for (row, (first, second)) in rows.enumerate() {
            let first = l.load(first);
            let (a, b) = if PACKED {
                (l.and(first, l.u(0xFFFF)), l.shr(first, 16))
            } else {
                (first, l.load(second))
            };
            let there = l.lt_u(l.u(row as u32), totals.deaths);
            let a = l.pick(there, l.to_f(a), absent_a);
            self.terms.push(Term { a, b: l.pick(there, l.to_f(b), absent_b) });
        }
        totals
    }

    /// Fills the rows of the event times and gives the totals.
    #[inline(always)]
    fn walk_down<C: Count, const PACKED: bool>(
        &mut self,
        l: L,
        walk: &Walk,
        counts: &[C],
    ) -> Totals<L> {
        let (zero, one) = (l.u(0), l.u(1));
        let (mut drawn, mut drawn_1) = (zero, zero);
        let (mut all_deaths, mut deaths_1) = (zero, zero);
        let (mut with_arm_1, mut without_arm_0, mut widest_factor) = (zero, zero, one);
        let copies = |place: &Place| C::load(l, &counts[place.unit as usize * L::N..]);
        let mut begin = 0;
        let rows = self.first.chunks_exact_mut(L::N).zip(self.step.chunks_exact_mut(L::N));
        let rows = rows.zip(self.deaths.chunks_exact_mut(L::N));
        for (row, (time, ((first, step), deaths))) in walk.times.iter().zip(rows).enumerate() {
            for place in &walk.places[begin..time.leavers] {
                let count = copies(place);
                drawn = l.add_u(drawn, count);
                drawn_1 = l.add_u(drawn_1, l.and(count, l.u(place.arm_1)));
            }
            let (mut d0, mut d1) = (zero, zero);
            for place in &walk.places[time.leavers..time.deaths_0] {
                d0 = l.add_u(d0, copies(place));
            }
            for place in &walk.places[time.deaths_0..time.deaths_1] {
                d1 = l.add_u(d1, copies(place));
            }
            begin = time.deaths_1;
            let d = l.add_u(d0, d1);
            drawn = l.add_u(drawn, d);
            drawn_1 = l.add_u(drawn_1, d1);
            let drawn_0 = l.sub_u(drawn, drawn_1);
            all_deaths = l.add_u(all_deaths, d);
            deaths_1 = l.add_u(deaths_1, d1);
            let nobody = l.eq_u(drawn_1, zero);
            with_arm_1 = l.add_u(with_arm_1, l.pick_u(nobody, zero, d));
            let nobody = l.eq_u(drawn_0, zero);
            without_arm_0 = l.add_u(without_arm_0, l.pick_u(nobody, d, zero));
            let (mut a, mut b) = (drawn_1, drawn_0);
            let (mut step_a, mut step_b) = match time.deaths {
                Deaths::OfArm0 => (zero, one),
                _ => (one, zero),
            };
            if time.deaths == Deaths::OfBoth {
                let mixed = l.and_m(l.lt_u(zero, d0), l.lt_u(zero, d1));
                let factor = l.pick_u(mixed, d, one);
                widest_factor = l.max_u(widest_factor, factor);
                (a, b) = (l.mul_u(a, factor), l.mul_u(b, factor));
                let only_0 = l.eq_u(d1, zero);
                step_a = l.pick_u(mixed, d1, l.pick_u(only_0, zero, one));
                step_b = l.pick_u(mixed, d0, l.pick_u(only_0, one, zero));
            }
            l.store(d, deaths);
            if PACKED {
                l.store(l.or(a, l.shl(b, l.u(16))), first);
                l.store(l.or(step_a, l.shl(step_b, l.u(16))), step);
            } else {
                l.store(a, first);
                l.store(step_a, step);
                l.store(b, &mut self.first_b[row * L::N..]);
                l.store(step_b, &mut self.step_b[row * L::N..]);
            }
        }
        let mut at_risk = [zero; 2];
        for (places, left_early) in
            [(&walk.places[begin..walk.early], false), (&walk.places[walk.early..], true)]
        {
            if left_early {
                at_risk = [l.sub_u(drawn, drawn_1), drawn_1];
            }
            for place in places {
                let count = copies(place);
                drawn = l.add_u(drawn, count);
                drawn_1 = l.add_u(drawn_1, l.and(count, l.u(place.arm_1)));
            }
        }
        Totals {
            at_risk,
            deaths: all_deaths,
            deaths_1,
            with_arm_1,
            without_arm_0,
            factor: widest_factor,
            drawn: [l.sub_u(drawn, drawn_1), drawn_1],
        }
    }
}

/// Writes, lane by lane, `deaths` values an event time: the `first` one and the others a `step` less
/// each. The lanes end at different rows; what stands below is anything.
#[inline(always)]
fn list_terms<L: Lanes>(first: &[u32], step: &[u32], deaths: &[u32], listed: &mut [u32]) {
    for lane in 0..L::N {
        let mut at = lane;
        let rows = first.chunks_exact(L::N).zip(step.chunks_exact(L::N));
        for ((first, step), deaths) in rows.zip(deaths.chunks_exact(L::N)) {
            let (value, step, deaths) = (first[lane], step[lane], deaths[lane] as usize);
            let second = value.wrapping_sub(step);
            let mut third = second.wrapping_sub(step);
            let window = &mut listed[at..][..2 * L::N + 1];
            window[0] = value;
            window[L::N] = second;
            window[2 * L::N] = third;
            for term in 3..deaths {
                third = third.wrapping_sub(step);
                listed[at + term * L::N] = third;
            }
            at += deaths * L::N;
        }
    }
}
