//! Hazard ratio of one binary covariate under Efron ties, resampled: from random words to
//! `log HR` and its information, one replicate an invocation (WGSL) or a lane (CPU).
//!
//! # Method
//! With hazard ratio `r`, term `l` of an event time with `d = d0 + d1` deaths (real copies of a
//! patient are real tied deaths) has `p = A r / (B + A r)`, where `A = R1 d - l d1` and
//! `B = R0 d - l d0` are integers from the numbers at risk and the deaths of the two arms; when all
//! deaths are in one arm both are divided by `d`. Score `D1 - sum p`, information `sum p (1 - p)`.
//! Monotone likelihood is an exact integer test ([`Status`]). Halley's method in singles comes
//! close, then one step with `p` as a 24-bit integer and its exact remainder gives full accuracy.
//!
//! # Source
//! Efron, JASA 72 (1977) 557; the integer form and its accuracy: `docs/methods.md`.
//!
//! # Twin and shader
//! same: every operation, in one order, so the words are equal bit for bit wherever division is
//! correctly rounded. Differs on purpose: the twin keeps the terms of a replicate in memory and
//! pads each event time to the widest lane (a padded term adds zero); the shader recomputes them.

use super::lanes::{InstructionSet, LaneWork, Lanes, run_with};
use super::scatter::{draw_slots, unpack};
use super::{Binding, KernelInfo};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::log::ln;
use crate::numeric::philox;
use bytemuck::{Pod, Zeroable};

/// Largest error of a replicate's log hazard ratio on any backend, against `f64` Newton. A last step
/// is accepted below 0.001: about 0.3 of its cube, 3e-10, remains of it, and singles round
/// the step and its information to some 1e-6 of its length in sums of thousands of terms. A test
/// holds replicates of 60 to 30 000 subjects to it.
pub const TOLERANCE: f64 = 1e-9;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "hazard_ratio_bootstrap",
    source: include_str!("../../shaders/hazard_ratio_bootstrap.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Storage { name: "units" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "counts" },
        Binding::Output { name: "replicates" },
    ],
};

/// Most subjects the packed counts hold (16 bits each).
pub const MAX_UNITS: usize = 65_535;

/// Settings of one dispatch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Uniforms {
    /// Low word of the seed.
    pub key_0: u32,
    /// High word of the seed.
    pub key_1: u32,
    /// Low word of the first replicate's number.
    pub first_low: u32,
    /// High word of the first replicate's number.
    pub first_high: u32,
    /// Number of replicates.
    pub n_replicates: u32,
    /// Number of draws a replicate.
    pub n_slots: u32,
    /// Number of distinct event times.
    pub n_times: u32,
    /// 1: eight bits a count, one word an event time; 2: sixteen bits, two words.
    pub words_per_time: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Hazard ratio the iteration starts from.
    pub start: f32,
    /// Number of replicates the scratch counts hold a column for.
    pub stride: u32,
    /// Purpose of the draws ([`Stream`]).
    pub stream: u32,
    /// Replicates of each outer resample; 0 for plain resamples.
    pub per_outer: u32,
    /// Number of the outer resample whose units come first.
    pub first_outer: u32,
    /// Unused; keeps the struct a multiple of 16 bytes.
    pub padding_0: u32,
    /// Unused.
    pub padding_1: u32,
}

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
    pub(super) fn draw_at(&self, stream: Stream, number: u64, slot: usize) -> u32 {
        let Slot { bound, base, .. } = self.slots[slot];
        base + draw::draw(self.seed, stream, number, slot as u32, bound, self.width)
    }
}

/// What became of a replicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has a finite estimate.
    Estimable = 0,
    /// The likelihood grows without end as the ratio does: all comparable deaths in arm 1.
    MonotoneUp = 1,
    /// The likelihood grows without end as the ratio falls to 0.
    MonotoneDown = 2,
    /// Everybody drawn is of one arm.
    SingleGroup = 3,
    /// Nobody dies while both arms are at risk.
    NoEvents = 4,
    /// Outside what the kernel's integers hold; the host solves it in `f64`.
    NeedsHost = 5,
}

/// The four words a replicate leaves: the ratio as integer `mantissa * 2^-shift`, the last step on
/// the log scale, and the information.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Replicate {
    /// Ratio, or its inverse when swapped, times `2^shift`.
    pub mantissa: u32,
    /// Status in bits 0..8, swapped in bit 8, shift in bits 16..24.
    pub code: u32,
    /// Bits of the last step (single).
    pub step: u32,
    /// Bits of the information (single).
    pub information: u32,
}

/// What an output cell holds before a kernel writes it: no status has this code.
pub const POISON: Replicate =
    Replicate { mantissa: u32::MAX, code: u32::MAX, step: u32::MAX, information: u32::MAX };

impl Replicate {
    /// What became of it; `None` for words no kernel wrote (poison, or a buffer's zeros: an
    /// estimate's mantissa is never 0).
    pub fn status(&self) -> Option<Status> {
        match self.code & 0xFF {
            0 if self.mantissa == 0 => None,
            0 => Some(Status::Estimable),
            1 => Some(Status::MonotoneUp),
            2 => Some(Status::MonotoneDown),
            3 => Some(Status::SingleGroup),
            4 => Some(Status::NoEvents),
            5 => Some(Status::NeedsHost),
            _ => None,
        }
    }

    /// `log HR` of an estimable replicate.
    #[inline]
    pub fn log_hazard_ratio(&self) -> f64 {
        let shift = f64::from(self.code >> 16 & 0xFF);
        let log = ln(f64::from(self.mantissa)) - shift * std::f64::consts::LN_2
            + f64::from(f32::from_bits(self.step));
        if self.code & SWAPPED != 0 { -log } else { log }
    }

    /// Information of `log HR`; its inverse is the estimate's variance.
    pub fn information(&self) -> f64 {
        f64::from(f32::from_bits(self.information))
    }
}

const SWAPPED: u32 = 0x100;
/// Estimates beyond these leave the singles; the host solves them.
const MIN_RATIO: f32 = 1.0 / 65_536.0;
const MAX_RATIO: f32 = 65_536.0;
/// Longest step on the log scale; `(2 + x) / (2 - x)` stands for `exp(x)` and has its pole at 2.
const MAX_STEP: f32 = 1.5;
/// A step this short is the last in singles: the next error is about 0.3 of its cube, 1e-5.
const LAST_STEP: f32 = 0.031_25;
const MAX_ITERATIONS: u32 = 16;
/// The longest step the integer stage may take: 0.3 of its cube is under [`TOLERANCE`].
const MAX_POLISH: f32 = 0.001;
/// Below this information the singles have lost the answer.
const MIN_INFORMATION: f32 = 1e-4;
/// Event times whose sums are gathered before they join the total: keeps singles accurate.
const SUM_BLOCK: usize = 32;
/// 2^24, the unit of the integer quotients.
const QUOTIENT_UNIT: f32 = 16_777_216.0;

/// CPU twin: replicates `first ..` into `out`. `set` chooses the lanes, never the answer.
pub fn cpu(plan: &Plan, set: InstructionSet, first: u64, out: &mut [Replicate]) {
    let per_outer = plan.nested.map_or(u64::MAX, |nested| u64::from(nested.per_outer));
    let (mut first, mut out) = (first, out);
    // Lanes share their units: a run of replicates ends with its outer resample.
    while !out.is_empty() {
        let left = per_outer - first % per_outer;
        let n = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let (now, later) = out.split_at_mut(n);
        let (first_unit, stream, number) = plan.place(first);
        let units = &plan.units[first_unit..][..plan.slots.len()];
        run_with(set, Batch { plan, units, stream, first: number, out: now });
        (first, out) = (first + n as u64, later);
    }
}

struct Batch<'a> {
    plan: &'a Plan,
    units: &'a [Unit],
    stream: Stream,
    /// Number of the first replicate in the stream.
    first: u64,
    out: &'a mut [Replicate],
}

impl LaneWork for Batch<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let Self { plan, units, stream, .. } = self;
        let mut counts = vec![0_u32; plan.n_words() * L::N];
        let mut terms: Vec<Pair<L>> = Vec::with_capacity(2 * plan.n_times);
        let mut ends: Vec<u32> = Vec::with_capacity(plan.n_times / SUM_BLOCK + 1);
        for (group, out) in self.out.chunks_mut(L::N).enumerate() {
            let first = self.first + (group * L::N) as u64;
            counts.fill(0);
            draw_slots(lanes, plan, stream, first, |_, drawn| {
                for (lane, &unit) in drawn.iter().enumerate() {
                    let Unit { word, increment } = units[unit as usize];
                    counts[word as usize * L::N + lane] += increment;
                }
            });
            let totals = build_terms(lanes, plan, &counts, &mut terms, &mut ends);
            solve(lanes, plan.start, &terms, &ends, &totals, out);
        }
    }
}

/// Two terms of an event time that share one division, as exact integers in singles. A term that
/// is not there has `a = -0.0, b = 1`.
#[derive(Clone, Copy)]
struct Pair<L: Lanes> {
    a: [L::F; 2],
    b: [L::F; 2],
}

/// Integer totals of each lane.
struct Totals<L: Lanes> {
    at_risk_0: L::U,
    at_risk_1: L::U,
    deaths: L::U,
    deaths_1: L::U,
    /// Terms with somebody of arm 1 at risk.
    with_arm_1: L::U,
    /// Terms with nobody of arm 0 at risk.
    without_arm_0: L::U,
    /// Largest factor on the numbers at risk (deaths of a time shared by both arms).
    factor: L::U,
    drawn_0: L::U,
    drawn_1: L::U,
}

/// Walks the event times from the last to the first and lists the terms of all lanes; `ends` are
/// where a block of [`SUM_BLOCK`] times ends.
#[inline(always)]
fn build_terms<L: Lanes>(
    l: L,
    plan: &Plan,
    counts: &[u32],
    terms: &mut Vec<Pair<L>>,
    ends: &mut Vec<u32>,
) -> Totals<L> {
    terms.clear();
    ends.clear();
    let (zero, one) = (l.u(0), l.u(1));
    let (absent_a, absent_b) = (l.f(-0.0), l.f(1.0));
    let mut t = Totals::<L> {
        at_risk_0: zero,
        at_risk_1: zero,
        deaths: zero,
        deaths_1: zero,
        with_arm_1: zero,
        without_arm_0: zero,
        factor: one,
        drawn_0: zero,
        drawn_1: zero,
    };
    for (step, at) in (1..=plan.n_times).rev().enumerate() {
        let [d0, d1, c0, c1] = unpack(l, plan, counts, at);
        t.at_risk_0 = l.add_u(t.at_risk_0, l.add_u(d0, c0));
        t.at_risk_1 = l.add_u(t.at_risk_1, l.add_u(d1, c1));
        let deaths = l.add_u(d0, d1);
        t.deaths = l.add_u(t.deaths, deaths);
        t.deaths_1 = l.add_u(t.deaths_1, d1);
        let counted = l.pick_u(l.lt_u(zero, t.at_risk_1), deaths, zero);
        t.with_arm_1 = l.add_u(t.with_arm_1, counted);
        let counted = l.pick_u(l.eq_u(t.at_risk_0, zero), deaths, zero);
        t.without_arm_0 = l.add_u(t.without_arm_0, counted);

        let mixed = l.and_m(l.lt_u(zero, d0), l.lt_u(zero, d1));
        let factor = l.pick_u(mixed, deaths, one);
        t.factor = l.max_u(t.factor, factor);
        let step_0 = l.pick_u(mixed, d0, l.pick_u(l.lt_u(zero, d0), one, zero));
        let step_1 = l.pick_u(mixed, d1, l.pick_u(l.lt_u(zero, d1), one, zero));
        let mut a = l.mul_u(t.at_risk_1, factor);
        let mut b = l.mul_u(t.at_risk_0, factor);
        for pair in 0..l.widest(deaths).div_ceil(2) {
            let mut both = Pair { a: [absent_a; 2], b: [absent_b; 2] };
            for side in 0..2 {
                let there = l.lt_u(l.u(2 * pair + side as u32), deaths);
                both.a[side] = l.pick(there, l.to_f(a), absent_a);
                both.b[side] = l.pick(there, l.to_f(b), absent_b);
                a = l.sub_u(a, step_1);
                b = l.sub_u(b, step_0);
            }
            terms.push(both);
        }
        if step % SUM_BLOCK == SUM_BLOCK - 1 {
            ends.push(terms.len() as u32);
        }
    }
    ends.push(terms.len() as u32);
    let [_, _, c0, c1] = unpack(l, plan, counts, 0);
    t.drawn_0 = l.add_u(t.at_risk_0, c0);
    t.drawn_1 = l.add_u(t.at_risk_1, c1);
    t
}

/// Sums of `p`, `p^2` and `p^3` over all terms.
struct Moments<L: Lanes> {
    first: L::F,
    second: L::F,
    third: L::F,
}

/// The sums of a block, the first and second terms of the pairs apart: the additions of a side do
/// not wait for the other's, and no driver can reorder a sum of products within a sum.
struct Sides<L: Lanes> {
    first: [L::F; 2],
    second: [L::F; 2],
    third: [L::F; 2],
}

#[inline(always)]
fn no_moments<L: Lanes>(l: L) -> (Moments<L>, Sides<L>) {
    let zero = l.f(0.0);
    (
        Moments { first: zero, second: zero, third: zero },
        Sides { first: [zero; 2], second: [zero; 2], third: [zero; 2] },
    )
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "a side is one index into four pairs")]
fn add_moments<L: Lanes>(l: L, sums: &mut Sides<L>, p: [L::F; 2]) {
    for side in 0..2 {
        let square = l.mul(p[side], p[side]);
        sums.first[side] = l.add(sums.first[side], p[side]);
        sums.second[side] = l.add(sums.second[side], square);
        sums.third[side] = l.add(sums.third[side], l.mul(square, p[side]));
    }
}

#[inline(always)]
fn join_moments<L: Lanes>(l: L, total: &mut Moments<L>, block: &Sides<L>) {
    total.first = l.add(total.first, l.add(block.first[0], block.first[1]));
    total.second = l.add(total.second, l.add(block.second[0], block.second[1]));
    total.third = l.add(total.third, l.add(block.third[0], block.third[1]));
}

/// Halley's step on the log scale, unclamped, and the information.
#[inline(always)]
fn halley<L: Lanes>(l: L, score: L::F, sums: &Moments<L>) -> (L::F, L::F) {
    let information = l.sub(sums.first, sums.second);
    let skew = l.add(l.sub(sums.first, l.mul(l.f(3.0), sums.second)), l.mul(l.f(2.0), sums.third));
    let square = l.mul(information, information);
    let denominator = l.add(l.mul(l.f(2.0), square), l.mul(score, skew));
    let denominator = l.max(l.max(denominator, square), l.f(1e-20));
    let step = l.div(l.mul(l.f(2.0), l.mul(score, information)), denominator);
    (step, information)
}

/// From terms to the words of each replicate.
#[inline(always)]
fn solve<L: Lanes>(
    l: L,
    start: f32,
    terms: &[Pair<L>],
    ends: &[u32],
    totals: &Totals<L>,
    out: &mut [Replicate],
) {
    let status = classify(l, totals);
    let finite = l.eq_u(status, l.u(Status::Estimable as u32));
    let (ratio, settled) = iterate(l, start, terms, ends, totals, finite);
    let [mantissa, code, step, information] = polish(l, terms, ends, totals, ratio, settled);
    let code = l.pick_u(finite, code, status);
    let columns = [mantissa, code, step, information].map(|column| {
        let mut words = [0_u32; 16];
        l.store(l.pick_u(finite, column, l.u(0)), &mut words);
        words
    });
    let mut codes = [0_u32; 16];
    l.store(code, &mut codes);
    for (lane, replicate) in out.iter_mut().enumerate() {
        *replicate = Replicate {
            mantissa: columns[0][lane],
            code: codes[lane],
            step: columns[2][lane],
            information: columns[3][lane],
        };
    }
}

/// The exact integer rule: which replicates have a finite estimate, and why the others have not.
#[inline(always)]
fn classify<L: Lanes>(l: L, t: &Totals<L>) -> L::U {
    let one = l.u(1);
    // D1 >= #{A > 0} and D1 <= #{B = 0}; counts are far below 2^31.
    let up = l.lt_u(t.with_arm_1, l.add_u(t.deaths_1, one));
    let down = l.lt_u(t.deaths_1, l.add_u(t.without_arm_0, one));
    let single = l.or_m(l.eq_u(t.drawn_0, l.u(0)), l.eq_u(t.drawn_1, l.u(0)));
    let mut status = l.u(Status::Estimable as u32);
    status = l.pick_u(down, l.u(Status::MonotoneDown as u32), status);
    status = l.pick_u(up, l.u(Status::MonotoneUp as u32), status);
    status = l.pick_u(l.and_m(up, down), l.u(Status::NoEvents as u32), status);
    l.pick_u(single, l.u(Status::SingleGroup as u32), status)
}

/// Halley's method in singles: the ratio, and where it settled.
#[inline(always)]
fn iterate<L: Lanes>(
    l: L,
    start: f32,
    terms: &[Pair<L>],
    ends: &[u32],
    totals: &Totals<L>,
    finite: L::M,
) -> (L::F, L::M) {
    let deaths_1 = l.to_f(totals.deaths_1);
    let mut ratio = l.f(start);
    let infinite = l.eq_u(l.pick_u(finite, l.u(1), l.u(0)), l.u(0));
    let mut settled = infinite;
    for _ in 0..MAX_ITERATIONS {
        let (mut sums, _) = no_moments(l);
        let mut begin = 0;
        for &end in ends {
            let (_, mut block) = no_moments(l);
            for pair in &terms[begin..end as usize] {
                let n = [l.mul(pair.a[0], ratio), l.mul(pair.a[1], ratio)];
                let e = [l.add(pair.b[0], n[0]), l.add(pair.b[1], n[1])];
                let q = l.div(l.f(1.0), l.mul(e[0], e[1]));
                let p = [l.mul(n[0], l.mul(e[1], q)), l.mul(n[1], l.mul(e[0], q))];
                add_moments(l, &mut block, p);
            }
            join_moments(l, &mut sums, &block);
            begin = end as usize;
        }
        let (step, _) = halley(l, l.sub(deaths_1, sums.first), &sums);
        let step = l.min(l.max(step, l.f(-MAX_STEP)), l.f(MAX_STEP));
        let next = l.div(l.mul(ratio, l.add(l.f(2.0), step)), l.sub(l.f(2.0), step));
        let next = l.min(l.max(next, l.f(MIN_RATIO)), l.f(MAX_RATIO));
        ratio = l.pick(settled, ratio, next);
        let short = l.and_m(l.le(step, l.f(LAST_STEP)), l.le(l.f(-LAST_STEP), step));
        settled = l.or_m(settled, short);
        if l.all(settled) {
            break;
        }
    }
    (ratio, settled)
}

/// One Halley step whose score is exact: `p` as `floor(2^24 num / den)` and its remainder.
#[inline(always)]
fn polish<L: Lanes>(
    l: L,
    terms: &[Pair<L>],
    ends: &[u32],
    t: &Totals<L>,
    ratio: L::F,
    settled: L::M,
) -> [L::U; 4] {
    // The arms are exchanged where the ratio is below 1: then its integer form is always fine.
    let swapped = l.lt_u(l.bits(ratio), l.bits(l.f(1.0)));
    let ratio = l.pick(swapped, l.div(l.f(1.0), ratio), ratio);
    let (risk_0, risk_1) = (l.to_f(t.at_risk_0), l.to_f(t.at_risk_1));
    let own = l.pick(swapped, risk_0, risk_1);
    let other = l.pick(swapped, risk_1, risk_0);
    let deaths = l.pick_u(swapped, l.sub_u(t.deaths, t.deaths_1), t.deaths_1);
    // den <= factor (other + own ratio) 2^shift < 2^27 by the choice of the shift.
    let widest = l.mul(l.to_f(t.factor), l.add(other, l.mul(own, ratio)));
    let exponent = l.sub_u(l.shr(l.bits(widest), 23), l.u(127));
    let ratio_exponent = l.sub_u(l.shr(l.bits(ratio), 23), l.u(127));
    let room = l.lt_u(exponent, l.u(26));
    let shift = l.pick_u(room, l.sub_u(l.u(26), exponent), l.u(0));
    let shift = l.pick_u(l.lt_u(shift, l.u(20)), shift, l.u(20));
    // The integer ratio keeps at least ten bits, so its rounding is a step below 2^-11.
    let fine = l.lt_u(l.u(9), l.add_u(shift, ratio_exponent));
    let scale = l.of_bits(l.shl(l.add_u(shift, l.u(127)), l.u(23)));
    let mantissa = l.to_u(l.add(l.mul(ratio, scale), l.f(0.5)));

    let mut quotients = l.u(0);
    let mut remainders = l.f(0.0);
    let (mut sums, _) = no_moments(l);
    let mut begin = 0;
    for &end in ends {
        let (_, mut block) = no_moments(l);
        let mut block_remainders = [l.f(0.0); 2];
        for pair in &terms[begin..end as usize] {
            let (num_0, den_0) = fraction(l, pair.a[0], pair.b[0], swapped, mantissa, shift);
            let (num_1, den_1) = fraction(l, pair.a[1], pair.b[1], swapped, mantissa, shift);
            let e = [l.to_f(den_0), l.to_f(den_1)];
            let q = l.div(l.f(1.0), l.mul(e[0], e[1]));
            let inverse = [l.mul(e[1], q), l.mul(e[0], q)];
            let p = [l.mul(l.to_f(num_0), inverse[0]), l.mul(l.to_f(num_1), inverse[1])];
            let (quotient_0, rest_0) = divide(l, p[0], num_0, den_0);
            let (quotient_1, rest_1) = divide(l, p[1], num_1, den_1);
            quotients = l.add_u(quotients, l.add_u(quotient_0, quotient_1));
            block_remainders[0] = l.add(block_remainders[0], l.mul(rest_0, inverse[0]));
            block_remainders[1] = l.add(block_remainders[1], l.mul(rest_1, inverse[1]));
            add_moments(l, &mut block, p);
        }
        join_moments(l, &mut sums, &block);
        remainders = l.add(remainders, l.add(block_remainders[0], block_remainders[1]));
        begin = end as usize;
    }
    // Near the root the difference is small, so it is right modulo 2^32.
    let whole = l.signed_to_f(l.sub_u(l.shl(deaths, l.u(24)), quotients));
    let score = l.mul(l.sub(whole, remainders), l.f(1.0 / QUOTIENT_UNIT));
    let (step, information) = halley(l, score, &sums);
    let short = l.and_m(l.le(step, l.f(MAX_POLISH)), l.le(l.f(-MAX_POLISH), step));
    let sound = l.and_m(l.le(l.f(MIN_INFORMATION), information), short);
    let done = l.and_m(l.and_m(settled, sound), l.and_m(fine, room));
    let code = l.add_u(l.shl(shift, l.u(16)), l.pick_u(swapped, l.u(SWAPPED), l.u(0)));
    let zero = l.u(0);
    [
        l.pick_u(done, mantissa, zero),
        l.pick_u(done, code, l.u(Status::NeedsHost as u32)),
        l.pick_u(done, l.bits(step), zero),
        l.pick_u(done, l.bits(information), zero),
    ]
}

/// Numerator and denominator of a term as integers; a term that is not there is 0 / 2^shift.
#[inline(always)]
fn fraction<L: Lanes>(
    l: L,
    a: L::F,
    b: L::F,
    swapped: L::M,
    mantissa: L::U,
    shift: L::U,
) -> (L::U, L::U) {
    let absent = l.eq_u(l.bits(a), l.u(0x8000_0000));
    let own = l.pick_u(absent, l.u(0), l.to_u(l.pick(swapped, b, a)));
    let other = l.pick_u(absent, l.u(1), l.to_u(l.pick(swapped, a, b)));
    let num = l.mul_u(own, mantissa);
    (num, l.add_u(l.shl(other, shift), num))
}

/// `floor`-like quotient `2^24 num / den` from its single approximation, and the exact remainder.
#[inline(always)]
fn divide<L: Lanes>(l: L, p: L::F, num: L::U, den: L::U) -> (L::U, L::F) {
    let quotient = l.to_u(l.mul(p, l.f(QUOTIENT_UNIT)));
    let remainder = l.sub_u(l.shl(num, l.u(24)), l.mul_u(quotient, den));
    (quotient, l.signed_to_f(remainder))
}

/// Solves one replicate in `f64`, for those the kernel hands back ([`Status::NeedsHost`]) and as
/// the reference its tolerance is held against. Returns `log HR` and its information.
pub fn solve_on_host(plan: &Plan, replicate: u64) -> (f64, f64) {
    solve_sample(plan, (0..plan.slots.len()).map(|slot| plan.draw(replicate, slot) as usize))
}

/// `log HR` and its information, in `f64`, of a sample of `units` (positions in
/// [`Plan::units`], repeats allowed). Only for samples with a finite estimate.
pub fn solve_sample(plan: &Plan, units: impl Iterator<Item = usize>) -> (f64, f64) {
    let mut counts = vec![0_u32; plan.n_words()];
    for position in units {
        let unit = plan.units[position];
        counts[unit.word as usize] += unit.increment;
    }
    let mut terms = Vec::new();
    let (mut risk_0, mut risk_1, mut deaths_1) = (0_u32, 0_u32, 0_u32);
    for at in (1..=plan.n_times).rev() {
        let [d0, d1, c0, c1] = unpack(super::lanes::Scalar, plan, &counts, at);
        risk_0 += d0 + c0;
        risk_1 += d1 + c1;
        deaths_1 += d1;
        let d = d0 + d1;
        for l in 0..d {
            let share = f64::from(l) / f64::from(d);
            terms.push((
                f64::from(risk_1) - share * f64::from(d1),
                f64::from(risk_0) - share * f64::from(d0),
            ));
        }
    }
    newton(&terms, f64::from(deaths_1))
}

/// Maximum of a concave one-parameter log likelihood: Newton's steps, halved towards the bracket
/// whenever they leave it.
fn newton(terms: &[(f64, f64)], deaths_1: f64) -> (f64, f64) {
    let evaluate = |log_ratio: f64| {
        let ratio = log_ratio.exp();
        terms.iter().fold((deaths_1, 0.0), |(score, information), &(a, b)| {
            let p = a * ratio / (b + a * ratio);
            (score - p, information + p * (1.0 - p))
        })
    };
    let (mut lower, mut upper) = (-40.0, 40.0);
    let mut log_ratio = 0.0_f64;
    for _ in 0..200 {
        let (score, information) = evaluate(log_ratio);
        if score > 0.0 {
            lower = log_ratio;
        } else {
            upper = log_ratio;
        }
        let newton = log_ratio + score / information;
        let next = if newton > lower && newton < upper { newton } else { 0.5 * (lower + upper) };
        if (next - log_ratio).abs() <= 1e-14 * (1.0 + log_ratio.abs()) {
            return (next, evaluate(next).1);
        }
        log_ratio = next;
    }
    (log_ratio, evaluate(log_ratio).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cohort of `n` from the random words of its seed: exponential-like times in `steps` steps
    /// (0: continuous), `share` of 2^32 in arm 1.
    fn cohort(n: usize, steps: u32, share: f64, seed: u64) -> Plan {
        let word = |i: usize, which: usize| {
            philox::philox4x32(philox::key_of_seed(seed), [i as u32, 0, 0, u32::MAX])[which]
        };
        let uniform = |i, which| (f64::from(word(i, which)) + 0.5) / 4_294_967_296.0;
        let time: Vec<f64> = (0..n)
            .map(|i| {
                let time = -uniform(i, 0).ln() * 20.0;
                if steps == 0 { time } else { (time * f64::from(steps) / 20.0).ceil() }
            })
            .collect();
        let event: Vec<bool> = (0..n).map(|i| uniform(i, 1) < 0.47).collect();
        let arm: Vec<bool> = (0..n).map(|i| uniform(i, 2) < share).collect();
        Plan::new(&time, &event, &arm, None, 1.0, seed)
    }

    #[test]
    fn every_instruction_set_gives_the_same_words() {
        for (n, steps) in [(2, 0), (60, 0), (60, 4), (300, 0), (300, 5), (4100, 0)] {
            let plan = cohort(n, steps, 0.3, 11);
            let mut scalar = vec![POISON; 203];
            cpu(&plan, InstructionSet::Scalar, u64::from(u32::MAX) - 100, &mut scalar);
            for set in InstructionSet::available() {
                let mut wide = vec![POISON; 203];
                cpu(&plan, set, u64::from(u32::MAX) - 100, &mut wide);
                assert_eq!(scalar, wide, "n {n}, steps {steps}, {}", set.name());
            }
        }
    }

    #[test]
    fn a_resample_of_a_resample_is_the_resample_of_its_units() {
        let plan = cohort(60, 0, 0.3, 11);
        let nested = plan.nested(3, 2, 50);
        let mut words = vec![POISON; 100];
        cpu(&nested, InstructionSet::best(), 0, &mut words);
        for (column, words) in words.iter().enumerate() {
            let (outer, inner) = (3 + column as u64 / 50, column as u64 % 50);
            let units = (0..60).map(|slot| {
                let drawn = nested.draw_at(Stream::Nested, outer << 32 | inner, slot) as usize;
                plan.draw(outer, drawn) as usize
            });
            let (log_hr, _) = solve_sample(&plan, units);
            if words.status() == Some(Status::Estimable) {
                let off = (words.log_hazard_ratio() - log_hr).abs();
                assert!(off < TOLERANCE, "resample {inner} of {outer} is off by {off}");
            }
        }
        let estimable = words.iter().filter(|w| w.status() == Some(Status::Estimable)).count();
        assert!(estimable > 50, "only {estimable} of 100 are estimable");
        let mut late = vec![POISON; 30];
        cpu(&nested, InstructionSet::Scalar, 45, &mut late);
        assert_eq!(late, words[45..75], "from the middle of an outer resample");
    }

    #[test]
    fn estimates_are_within_the_tolerance_of_f64() {
        let cases = [
            (60, 0, 0.12, 20_000),
            (60, 6, 0.3, 20_000),
            (300, 0, 0.5, 3_000),
            (2_000, 0, 0.2, 300),
            (10_000, 0, 0.4, 60),
            (30_000, 0, 0.4, 20),
        ];
        for (n, steps, share, replicates) in cases {
            let plan = cohort(n, steps, share, 5);
            let mut words = vec![POISON; replicates];
            cpu(&plan, InstructionSet::best(), 0, &mut words);
            let (mut worst, mut handed_back) = (0.0_f64, 0);
            for (replicate, words) in words.iter().enumerate() {
                match words.status().expect("every replicate is written") {
                    Status::Estimable => {
                        let (log_hr, information) = solve_on_host(&plan, replicate as u64);
                        worst = worst.max((words.log_hazard_ratio() - log_hr).abs());
                        let off = (words.information() / information - 1.0).abs();
                        assert!(off < 1e-4, "information of replicate {replicate} is off by {off}");
                    }
                    Status::NeedsHost => handed_back += 1,
                    _ => {}
                }
            }
            assert!(worst < TOLERANCE, "n {n}, steps {steps}: {worst}");
            assert!(handed_back * 20 < replicates, "n {n}: {handed_back} handed back");
        }
    }
}
