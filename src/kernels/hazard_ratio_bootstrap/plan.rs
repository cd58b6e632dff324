//! A cohort made ready for resampling.

use super::Uniforms;
use super::maximum::{MAX_RATIO, MIN_RATIO};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::philox;
use bytemuck::{Pod, Zeroable};

/// Most subjects the packed counts hold (16 bits each).
pub const MAX_UNITS: usize = 65_535;

/// How a slot draws.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Slot {
    /// Number of units it chooses among.
    pub bound: u32,
    /// Draws whose low part is below this are rejected.
    pub threshold: u32,
    /// First of these units.
    pub base: u32,
}

/// What drawing a unit adds: `increment` to count word `word`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Unit {
    /// Index of the count word.
    pub word: u32,
    /// What is added to it.
    pub increment: u32,
}

/// A cohort made ready for resampling.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `[n]` draws of a replicate.
    pub slots: Vec<Slot>,
    /// `[n]` units, in the order the draws index them.
    pub units: Vec<Unit>,
    /// Number of distinct event times.
    pub n_times: usize,
    /// Count words an event time.
    pub words_per_time: usize,
    /// Bits a draw takes.
    pub width: Width,
    /// Hazard ratio the iteration starts from, 1 when nothing better is known.
    pub start: f32,
    /// The user's seed.
    pub seed: u64,
    /// Purpose of the draws.
    pub stream: Stream,
    /// Of a plan that resamples resamples; `units` then holds those of each outer resample in turn.
    pub nested: Option<Nested>,
}

/// Which outer resamples a plan resamples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nested {
    /// Number of the first.
    pub first_outer: u32,
    /// Replicates of each: replicate `o * per_outer + i` of the plan is resample `i` of outer
    /// resample `first_outer + o`.
    pub per_outer: u32,
}

impl Plan {
    /// Prepares a cohort: follow-up `time`, `event` and `arm` (true: the arm in the numerator) of
    /// `n` subjects; `strata` (if given) are resampled each within itself.
    ///
    /// # Panics
    /// When the columns differ in length or hold more than [`MAX_UNITS`] rows: the caller checks.
    pub fn new(
        time: &[f64],
        event: &[bool],
        arm: &[bool],
        strata: Option<&[usize]>,
        start: f64,
        seed: u64,
    ) -> Self {
        let events = time.iter().zip(event).filter(|(_, event)| **event);
        let mut event_times: Vec<f64> = events.map(|(&time, _)| time).collect();
        event_times.sort_by(f64::total_cmp);
        event_times.dedup();
        Self::on_grid(&event_times, time, event, arm, strata, start, seed)
    }

    /// As [`new`](Self::new), counting at the ascending times `grid`, each event's time among them.
    pub(crate) fn on_grid(
        grid: &[f64],
        time: &[f64],
        event: &[bool],
        arm: &[bool],
        strata: Option<&[usize]>,
        start: f64,
        seed: u64,
    ) -> Self {
        let n = time.len();
        assert!(event.len() == n && arm.len() == n, "columns of one length");
        assert!(n <= MAX_UNITS, "the packed counts hold 16 bits");
        let words_per_time = if n <= 255 { 1 } else { 2 };
        let unit_of = |i: usize| {
            // Time 0 holds who left before the first event; an event time holds its deaths and
            // whoever is censored there or before the next one.
            let at = grid.partition_point(|&t| t <= time[i]);
            let byte = usize::from(arm[i]) + if event[i] { 0 } else { 2 };
            match words_per_time {
                1 => Unit { word: at as u32, increment: 1 << (8 * byte) },
                _ => Unit { word: (2 * at + byte / 2) as u32, increment: 1 << (16 * (byte % 2)) },
            }
        };
        let mut order: Vec<usize> = (0..n).collect();
        if let Some(strata) = strata {
            order.sort_by_key(|&i| strata[i]);
        }
        let sizes = |position: usize| match strata {
            None => (0, n),
            Some(strata) => {
                let code = strata[order[position]];
                let base = order.partition_point(|&i| strata[i] < code);
                (base, order.partition_point(|&i| strata[i] <= code) - base)
            }
        };
        let largest = (0..n).map(|position| sizes(position).1).max().unwrap_or(1);
        let width = Width::of(largest as u32);
        let slots = (0..n)
            .map(|position| {
                let (base, bound) = sizes(position);
                let threshold = draw::rejection_threshold(width, bound as u32);
                Slot { bound: bound as u32, threshold, base: base as u32 }
            })
            .collect();
        let units = order.iter().map(|&i| unit_of(i)).collect();
        let start = (start as f32).clamp(MIN_RATIO, MAX_RATIO);
        let (n_times, stream) = (grid.len(), Stream::Resample);
        Self { slots, units, n_times, words_per_time, width, start, seed, stream, nested: None }
    }

    /// The plan that resamples the resamples `first_outer ..` of this one, `n_outer` of them,
    /// `per_outer` times each.
    ///
    /// # Panics
    /// When an outer number does not fit in 32 bits: the caller checks.
    pub fn nested(&self, first_outer: u64, n_outer: usize, per_outer: u32) -> Self {
        let n = self.slots.len();
        let drawn = |outer: u64, slot: usize| self.units[self.draw(outer, slot) as usize];
        let units = (first_outer..first_outer + n_outer as u64)
            .flat_map(|outer| (0..n).map(move |slot| drawn(outer, slot)))
            .collect();
        let first_outer = u32::try_from(first_outer).expect("an outer number has 32 bits");
        let nested = Some(Nested { first_outer, per_outer });
        Self { units, stream: Stream::Nested, nested, ..self.clone() }
    }

    /// Where the units of `replicate` begin, the stream it draws from, and its number there.
    pub(crate) fn place(&self, replicate: u64) -> (usize, Stream, u64) {
        match self.nested {
            None => (0, self.stream, replicate),
            Some(Nested { first_outer, per_outer }) => {
                let (outer, inner) =
                    (replicate / u64::from(per_outer), replicate % u64::from(per_outer));
                let number = (u64::from(first_outer) + outer) << 32 | inner;
                (outer as usize * self.slots.len(), Stream::Nested, number)
            }
        }
    }

    /// The uniforms of a dispatch of `n_replicates` from `first`.
    pub fn uniforms(&self, first: u64, n_replicates: u32, stride: u32) -> Uniforms {
        let [key_0, key_1] = philox::key_of_seed(self.seed);
        Uniforms {
            key_0,
            key_1,
            first_low: first as u32,
            first_high: (first >> 32) as u32,
            n_replicates,
            n_slots: self.slots.len() as u32,
            n_times: self.n_times as u32,
            words_per_time: self.words_per_time as u32,
            narrow: u32::from(self.width == Width::Narrow),
            start: self.start,
            stride,
            stream: self.stream as u32,
            per_outer: self.nested.map_or(0, |nested| nested.per_outer),
            first_outer: self.nested.map_or(0, |nested| nested.first_outer),
            padding_0: 0,
            padding_1: 0,
        }
    }

    /// Number of count words of a replicate.
    pub fn n_words(&self) -> usize {
        (self.n_times + 1) * self.words_per_time
    }

    /// Unit that slot `slot` of `replicate` draws, in the order of [`units`](Self::units).
    pub fn draw(&self, replicate: u64, slot: usize) -> u32 {
        let (first_unit, stream, number) = self.place(replicate);
        first_unit as u32 + self.draw_at(stream, number, slot)
    }

    /// Unit that `slot` of resample `number` of `stream` draws, among those of its outer resample.
    pub(in crate::kernels) fn draw_at(&self, stream: Stream, number: u64, slot: usize) -> u32 {
        let Slot { bound, base, .. } = self.slots[slot];
        base + draw::draw(self.seed, stream, number, slot as u32, bound, self.width)
    }
}
