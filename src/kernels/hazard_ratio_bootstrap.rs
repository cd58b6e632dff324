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
//! correctly rounded. Differs on purpose: the twin counts copies by the byte and lists the terms of
//! a group of replicates once, each lane's without gaps; the shader counts in words and walks the
//! event times for every sum.

mod ceiling;
mod host;
mod maximum;
mod plan;
mod terms;

pub use ceiling::draw_only;
pub use host::{solve_on_host, solve_sample, status_of_sample};
pub use plan::{MAX_UNITS, Nested, Plan, Slot, Unit};

use super::lanes::{InstructionSet, LaneWork, Lanes, run_with};
use super::scatter::Drawer;
use super::{Binding, KernelInfo};
use crate::numeric::draw::Stream;
use crate::numeric::log::ln;
use bytemuck::{Pod, Zeroable};
use maximum::solve;
use terms::{Count, Terms, Walk};

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
        let walk = Walk::new(self.plan, self.units);
        // A unit is drawn at most as often as there are slots.
        match (self.units.len() <= 255, walk.packed) {
            (true, _) => self.run_counting::<L, u8, true>(lanes, &walk),
            (false, true) => self.run_counting::<L, u16, true>(lanes, &walk),
            (false, false) => self.run_counting::<L, u16, false>(lanes, &walk),
        }
    }
}

impl Batch<'_> {
    #[inline(always)]
    fn run_counting<L: Lanes, C: Count, const PACKED: bool>(self, lanes: L, walk: &Walk) {
        let Self { plan, units, stream, .. } = self;
        let drawer = Drawer::new(lanes, plan, stream);
        let mut counts = vec![C::default(); units.len() * L::N];
        let mut terms = Terms::new(walk);
        for (group, out) in self.out.chunks_mut(L::N).enumerate() {
            counts.fill(C::default());
            let copies = &mut counts[..];
            drawer.draw(lanes, self.first + (group * L::N) as u64, move |_, lane, unit| {
                copies[unit as usize * L::N + lane].increase();
            });
            let totals = terms.build::<C, PACKED>(lanes, walk, &counts);
            solve(lanes, plan.start, &terms.terms, &totals, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::philox;

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
            (65_000, 0, 0.4, 24),
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
