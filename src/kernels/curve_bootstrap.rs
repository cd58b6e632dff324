//! Statistics of the survival curves of two arms, resampled or with the arms shuffled: quantiles,
//! restricted means, survival at a time, log-rank; one replicate an invocation (WGSL) or a lane.
//!
//! # Method
//! Draws become counts of deaths and leavers by arm and grid time, as exact integers. A quantile is
//! left as the numbers of the grid times at which each arm's curve comes down to the level and goes
//! below it: integers, so that every device gives the same time. The other statistics are the
//! difference of the arms (arm 1 less arm 0) and its variance; of the log-rank test, the deaths of
//! arm 1 less those expected, and their variance. Going back in time, with `A` the area (or
//! survival) after a time relative to S there, a death time takes `A <- q A` and `V <- q^2 V + A^2 d q / n^2`,
//! `q = (n - d) / n`: that is Greenwood's sum without S.
//!
//! # Source
//! As `KaplanMeier`, `Rmst` and `fit_logrank` of [`crate::survival`]; arithmetic of the shader and
//! its error: `docs/methods.md`.
//!
//! # Twin and shader
//! same: draws, counts, statuses, and the numbers of quantiles. Differs on purpose: the twin, which
//! users without a GPU run, computes in `f64`; the shader takes S as an integer multiple of 2^-48,
//! areas and expectations as 64-bit integers, variances in singles. A curve that comes too near the
//! edge of "equals the level" for those integers to decide is handed back ([`Replicate::NeedsHost`]).

use super::hazard_ratio_bootstrap::{Plan, Slot, Unit};
use super::lanes::{InstructionSet, LaneWork, Lanes, Scalar, run_with};
use super::scatter::{Drawer, unpack};
use super::{Binding, KernelInfo};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::philox;
use bytemuck::{Pod, Zeroable};

/// Largest difference of a value between shader and twin, in parts of tau for restricted means and
/// in survival itself: S is 2^-48 too low a death time, 2.4e-10 in the largest cohort; for areas it is
/// cut to 2^-31, 4.7e-10, and times are rounded by 2^-32 tau, 2.3e-10 to either side in each arm. Cuts
/// of the two arms offset each other: 1.2e-9 at most. The log-rank excess: [`CurvePlan::tolerance`].
pub const TOLERANCE: f64 = 1.5e-9;

/// What the registry and the GPU engine need to know.
pub static KERNEL: KernelInfo = KernelInfo {
    name: "curve_bootstrap",
    source: include_str!("../../shaders/curve_bootstrap.wgsl"),
    common: &[include_str!("../../shaders/common/philox.wgsl")],
    workgroup_size: 64,
    bindings: &[
        Binding::Storage { name: "slots" },
        Binding::Storage { name: "units" },
        Binding::Storage { name: "begin" },
        Binding::Storage { name: "widths" },
        Binding::Uniform { name: "uniforms", size: size_of::<Uniforms>() as u64 },
        Binding::Output { name: "scratch" },
        Binding::Output { name: "replicates" },
    ],
};

/// How near to a level a curve counts as equal to it, as R's `quantile.survfit`.
const LEVEL_TOLERANCE: f64 = 1.490_116_119_384_765_6e-8;

/// 2^48: the shader's unit of S.
const SURVIVAL_UNIT: f64 = 281_474_976_710_656.0;
/// Ticks of `tau`, 2^31; the shader counts areas in ticks times 2^-31.
const TICKS: f64 = 2_147_483_648.0;

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
    /// Number of grid times.
    pub n_times: u32,
    /// 1: eight bits a count, one word a grid time; 2: sixteen bits, two words.
    pub words_per_time: u32,
    /// 1: 16-bit draws, 0: 32-bit draws.
    pub narrow: u32,
    /// Number of replicates the scratch holds a column for.
    pub stride: u32,
    /// Purpose of the draws ([`Stream`]).
    pub stream: u32,
    /// Replicates of each outer resample; 0 for plain resamples.
    pub per_outer: u32,
    /// Number of the outer resample whose units come first.
    pub first_outer: u32,
    /// Which [`CurveStatistic`].
    pub mode: u32,
    /// Number of units that are shuffled; 0 where they are drawn with replacement.
    pub n_shuffled: u32,
    /// How near to an edge, in units of 2^-48, a curve is handed back.
    pub doubt: u32,
    /// High word of the level, plus its tolerance, in units of 2^-48.
    pub upper_high: u32,
    /// Its low word.
    pub upper_low: u32,
    /// High word of the level, less its tolerance.
    pub lower_high: u32,
    /// Its low word.
    pub lower_low: u32,
}

/// What is read off the curves of a replicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CurveStatistic {
    /// Where each arm's curve comes down to `level`.
    Quantile {
        /// Survival at the quantile: 0.5 for the median.
        level: f64,
    },
    /// Restricted mean up to `tau`.
    RestrictedMean {
        /// The horizon, above 0.
        tau: f64,
    },
    /// Survival at `time`.
    SurvivalAt {
        /// The time.
        time: f64,
    },
    /// Deaths of arm 1 less those expected.
    LogRank,
}

/// How the data of a replicate are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveDraws<'a> {
    /// Subjects drawn with replacement, within strata (a code a subject) if given.
    Resample(Option<&'a [usize]>),
    /// The arms shuffled.
    Permute,
}

/// What a replicate leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Replicate {
    /// No kernel has written it.
    Unwritten,
    /// Everybody drawn is of one arm.
    SingleGroup,
    /// A curve does not come down to the level, or is not known at the time.
    NotReached,
    /// Nobody dies while both arms are at risk and somebody stays.
    NoEvents,
    /// The shader's integers do not decide; [`solve_on_host`] does.
    NeedsHost,
    /// Of each arm, the numbers from 1 of the grid times at which S is first at the level or below,
    /// and first below it; the second is 0 where S stays at the level.
    Crossings([[u16; 2]; 2]),
    /// A value and its variance; 0 where it has none.
    Moments {
        /// Arm 1 less arm 0, or observed less expected.
        value: f64,
        /// Its variance.
        variance: f64,
    },
}

/// A cohort made ready for resampling of its curves.
#[derive(Clone, Debug)]
pub struct CurvePlan {
    /// Draws, units and their grid. Where arms are shuffled, a unit's increment moves it from the
    /// larger arm into the smaller one.
    pub draws: Plan,
    /// `[n_words]` counts before anything is drawn.
    pub begin: Vec<u32>,
    /// Ascending grid times `[n_times]`.
    pub times: Vec<f64>,
    /// What is read off.
    pub statistic: CurveStatistic,
    /// Follow-up of each subject `[n]`, in the order of the units.
    time: Vec<f64>,
    /// Arm of each subject `[n]`.
    arm: Vec<bool>,
    /// From each grid time to the next, the first from 0, the last to the horizon `[n_times + 1]`;
    /// zeros where no area is wanted.
    widths: Vec<f64>,
}

impl CurvePlan {
    /// Prepares follow-up `time`, `event` and `arm` of `n` subjects.
    ///
    /// # Panics
    /// When the columns differ in length or hold more rows than the packed counts
    /// ([`MAX_UNITS`](super::hazard_ratio_bootstrap::MAX_UNITS)): the caller checks.
    pub fn new(
        time: &[f64],
        event: &[bool],
        arm: &[bool],
        statistic: CurveStatistic,
        how: CurveDraws<'_>,
        seed: u64,
    ) -> Self {
        let n = time.len();
        // What happens from the horizon on is nothing but being still there.
        let counts = |i: usize| match statistic {
            CurveStatistic::RestrictedMean { tau } => event[i] && time[i] < tau,
            CurveStatistic::SurvivalAt { time: at } => event[i] && time[i] <= at,
            _ => event[i],
        };
        let event: Vec<bool> = (0..n).map(counts).collect();
        let mut times: Vec<f64> = (0..n).filter(|&i| event[i]).map(|i| time[i]).collect();
        if let CurveStatistic::SurvivalAt { time } = statistic {
            times.push(time);
        }
        times.sort_by(f64::total_cmp);
        times.dedup();
        let strata = match how {
            CurveDraws::Resample(strata) => strata,
            CurveDraws::Permute => None,
        };
        let mut draws = Plan::on_grid(&times, time, &event, arm, strata, 1.0, seed);
        let mut begin = vec![0; draws.n_words()];
        let mut order: Vec<usize> = (0..n).collect();
        if let Some(strata) = strata {
            order.sort_by_key(|&i| strata[i]);
        }
        if how == CurveDraws::Permute {
            let n_1 = arm.iter().filter(|&&arm| arm).count();
            shuffle(&mut draws, arm, n_1, &mut begin);
        }
        let widths = match statistic {
            CurveStatistic::RestrictedMean { tau } => {
                let edges = [&[0.0], &times[..], &[tau]].concat();
                edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
            }
            _ => vec![0.0; times.len() + 1],
        };
        Self {
            draws,
            begin,
            times,
            statistic,
            time: order.iter().map(|&i| time[i]).collect(),
            arm: order.iter().map(|&i| arm[i]).collect(),
            widths,
        }
    }

    /// The plan that resamples resamples, as [`Plan::nested`]; not of one that shuffles.
    ///
    /// # Panics
    /// As [`Plan::nested`].
    pub fn nested(&self, first_outer: u64, n_outer: usize, per_outer: u32) -> Self {
        Self { draws: self.draws.nested(first_outer, n_outer, per_outer), ..self.clone() }
    }

    /// Whether arms are shuffled.
    pub fn permutes(&self) -> bool {
        self.draws.stream == Stream::Permutation
    }

    /// The uniforms of a dispatch of `n_replicates` from `first`.
    pub fn uniforms(&self, first: u64, n_replicates: u32, stride: u32) -> Uniforms {
        let draws = &self.draws;
        let [key_0, key_1] = philox::key_of_seed(draws.seed);
        let level = match self.statistic {
            CurveStatistic::Quantile { level } => level,
            _ => 0.5,
        };
        let edge = |edge: f64| (edge * SURVIVAL_UNIT) as u64;
        let (upper, lower) =
            (edge(level + LEVEL_TOLERANCE), edge((level - LEVEL_TOLERANCE).max(0.0)));
        Uniforms {
            key_0,
            key_1,
            first_low: first as u32,
            first_high: (first >> 32) as u32,
            n_replicates,
            n_slots: draws.slots.len() as u32,
            n_times: draws.n_times as u32,
            words_per_time: draws.words_per_time as u32,
            narrow: u32::from(draws.width == Width::Narrow),
            stride,
            stream: draws.stream as u32,
            per_outer: draws.nested.map_or(0, |nested| nested.per_outer),
            first_outer: draws.nested.map_or(0, |nested| nested.first_outer),
            mode: match self.statistic {
                CurveStatistic::Quantile { .. } => 0,
                CurveStatistic::RestrictedMean { .. } => 1,
                CurveStatistic::SurvivalAt { .. } => 2,
                CurveStatistic::LogRank => 3,
            },
            n_shuffled: if self.permutes() { draws.units.len() as u32 } else { 0 },
            // The shader's S falls short of S by a unit a death time at most, the twin's misses it
            // by 1/16 unit a death time; two units more for the rounding of the edge.
            doubt: 2 * draws.n_times as u32 + 4,
            upper_high: (upper >> 32) as u32,
            upper_low: upper as u32,
            lower_high: (lower >> 32) as u32,
            lower_low: lower as u32,
        }
    }

    /// The widths in ticks of `2^-31 tau`: differences of rounded times, so that an area is off by
    /// half a tick at most.
    pub fn ticks(&self) -> Vec<u32> {
        let CurveStatistic::RestrictedMean { tau } = self.statistic else {
            return vec![0; self.widths.len()];
        };
        let tick = |time: f64| (time / tau * TICKS).round() as u32;
        let mut edges = vec![0];
        edges.extend(self.times.iter().map(|&time| tick(time)));
        edges.push(tick(tau));
        edges.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Words of scratch a replicate needs in the shader.
    pub fn n_scratch(&self) -> usize {
        self.draws.n_words() + if self.permutes() { self.draws.units.len() } else { 0 }
    }

    /// Largest difference of a value, and largest relative difference of its variance, between
    /// shader and twin. The log-rank excess takes 2^-32 a death time; a variance is a sum of positive
    /// terms of at most twelve roundings, and the square of an area brings eight more a death time.
    pub fn tolerance(&self) -> (f64, f64) {
        let times = self.draws.n_times as f64 + 1.0;
        let value = match self.statistic {
            CurveStatistic::RestrictedMean { tau } => TOLERANCE * tau,
            CurveStatistic::LogRank => times * 2.0_f64.powi(-32),
            _ => TOLERANCE,
        };
        (value, (8.0 * times + 12.0) * 2.0_f64.powi(-24))
    }

    /// What the shader left in four words: status (of [`Replicate`], from 0 for unwritten), two
    /// words of the value, the variance as a single (of areas in parts of tau).
    pub fn decode(&self, words: [u32; 4]) -> Replicate {
        let [code, high, low, variance] = words;
        let value = (u64::from(high) << 32 | u64::from(low)) as i64 as f64;
        let unit = match self.statistic {
            CurveStatistic::RestrictedMean { tau } => tau / (TICKS * TICKS),
            CurveStatistic::LogRank => 2.0_f64.powi(-32),
            _ => 1.0 / SURVIVAL_UNIT,
        };
        let scale = match self.statistic {
            CurveStatistic::RestrictedMean { tau } => tau,
            _ => 1.0,
        };
        let crossing = |word: u32| [word as u16, (word >> 16) as u16];
        match code {
            1 => Replicate::SingleGroup,
            2 => Replicate::NotReached,
            3 => Replicate::NoEvents,
            4 => Replicate::NeedsHost,
            5 => Replicate::Crossings([crossing(high), crossing(low)]),
            6 => Replicate::Moments {
                value: value * unit,
                variance: f64::from(f32::from_bits(variance)) * scale * scale,
            },
            _ => Replicate::Unwritten,
        }
    }

    /// The value of `replicate`, of which `left` is what a kernel left: a difference of arms, or the
    /// signed root of the log-rank statistic; with its standard error where it has one. `None` where
    /// the replicate has no value.
    pub fn value(&self, replicate: u64, left: &Replicate) -> Option<(f64, Option<f64>)> {
        self.value_with(left, || self.sample(replicate))
    }

    /// The same of a sample of `subjects` (in the order of the units, repeats allowed), each in the
    /// arm of the data.
    pub fn value_of_sample(&self, subjects: &[usize]) -> Option<(f64, Option<f64>)> {
        let left = solve_sample(self, subjects.iter().copied());
        self.value_with(&left, || subjects.iter().map(|&i| (i, self.arm[i])).collect())
    }

    fn value_with(
        &self,
        left: &Replicate,
        sample: impl Fn() -> Vec<(usize, bool)>,
    ) -> Option<(f64, Option<f64>)> {
        match *left {
            Replicate::Crossings(of_arms) => {
                let time = |number: u16| self.times[usize::from(number) - 1];
                let of_arm = |arm: bool| {
                    let [at, below] = of_arms[usize::from(arm)];
                    let times = || sample().into_iter().filter(|own| own.1 == arm);
                    // At the end of a curve the step ends with the last follow-up.
                    let last = || times().map(|(i, _)| self.time[i]).fold(0.0, f64::max);
                    (time(at) + if below == 0 { last() } else { time(below) }) / 2.0
                };
                Some((of_arm(true) - of_arm(false), None))
            }
            Replicate::Moments { value, variance } if self.statistic == CurveStatistic::LogRank => {
                Some((value / variance.sqrt(), None))
            }
            Replicate::Moments { value, variance } => {
                Some((value, (variance > 0.0).then(|| variance.sqrt())))
            }
            _ => None,
        }
    }

    /// The subjects of `replicate`, in the order of the units, with the arm each stands in.
    pub fn sample(&self, replicate: u64) -> Vec<(usize, bool)> {
        let draws = &self.draws;
        let drawn = (0..draws.slots.len()).map(|slot| draws.draw(replicate, slot) as usize);
        if self.permutes() {
            let n = self.arm.len();
            let smaller = is_smaller(self.arm.iter().filter(|&&arm| arm).count(), n);
            let mut order: Vec<usize> = (0..n).collect();
            drawn.enumerate().for_each(|(slot, other)| order.swap(slot, other));
            let arm = |place: usize| (place < draws.slots.len()) == smaller;
            return order.into_iter().enumerate().map(|(place, i)| (i, arm(place))).collect();
        }
        let n = draws.slots.len();
        let original = |unit: usize| match draws.nested {
            None => unit,
            Some(nested) => {
                let outer = u64::from(nested.first_outer) + (unit / n) as u64;
                let Slot { bound, base, .. } = draws.slots[unit % n];
                let (seed, slot) = (draws.seed, (unit % n) as u32);
                let of_outer = draw::draw(seed, Stream::Resample, outer, slot, bound, draws.width);
                (base + of_outer) as usize
            }
        };
        drawn.map(original).map(|subject| (subject, self.arm[subject])).collect()
    }
}

/// Whether arm 1 is the one that shuffled subjects are picked for.
fn is_smaller(n_1: usize, n: usize) -> bool {
    2 * n_1 <= n
}

/// Turns draws into a shuffle: everybody begins in the larger arm, and slot `j` picks one of those
/// not picked yet for the smaller one.
///
/// # Source
/// Fisher and Yates 1938, in Durstenfeld's form, left once the smaller arm is full.
fn shuffle(draws: &mut Plan, arm: &[bool], n_1: usize, begin: &mut [u32]) {
    let n = arm.len();
    let smaller = is_smaller(n_1, n);
    // The field of arm 1 stands above that of arm 0.
    let bits = 8 * draws.words_per_time as u32;
    for (Unit { word, increment }, &arm) in draws.units.iter_mut().zip(arm) {
        let of_0 = if arm { *increment >> bits } else { *increment };
        let of_1 = of_0 << bits;
        let (large, small) = if smaller { (of_0, of_1) } else { (of_1, of_0) };
        begin[*word as usize] += large;
        *increment = small.wrapping_sub(large);
    }
    draws.width = Width::of(n as u32);
    draws.stream = Stream::Permutation;
    draws.slots = (0..n_1.min(n - n_1))
        .map(|j| {
            let bound = (n - j) as u32;
            let threshold = draw::rejection_threshold(draws.width, bound);
            Slot { bound, threshold, base: j as u32 }
        })
        .collect();
}

/// CPU twin: replicates `first ..` into `out`. `set` chooses the lanes, never the answer.
pub fn cpu(plan: &CurvePlan, set: InstructionSet, first: u64, out: &mut [Replicate]) {
    let draws = &plan.draws;
    let per_outer = draws.nested.map_or(u64::MAX, |nested| u64::from(nested.per_outer));
    let (mut first, mut out) = (first, out);
    // Lanes share their units: a run of replicates ends with its outer resample.
    while !out.is_empty() {
        let left = per_outer - first % per_outer;
        let n = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let (now, later) = out.split_at_mut(n);
        let (first_unit, stream, number) = draws.place(first);
        let n_units = plan.arm.len();
        let units = &draws.units[first_unit..][..n_units];
        run_with(set, Batch { plan, units, stream, first: number, out: now });
        (first, out) = (first + n as u64, later);
    }
}

/// One replicate by the twin, for those the shader hands back.
pub fn solve_on_host(plan: &CurvePlan, replicate: u64) -> Replicate {
    let mut out = [Replicate::Unwritten];
    cpu(plan, InstructionSet::Scalar, replicate, &mut out);
    out[0]
}

/// The statistic of a sample of `subjects` (in the order of the units, repeats allowed) of a plan
/// that draws with replacement.
pub fn solve_sample(plan: &CurvePlan, subjects: impl Iterator<Item = usize>) -> Replicate {
    let mut counts = plan.begin.clone();
    for subject in subjects {
        let Unit { word, increment } = plan.draws.units[subject];
        counts[word as usize] += increment;
    }
    let mut out = [Replicate::Unwritten];
    read_off(Scalar, plan, &counts, &mut out);
    out[0]
}

struct Batch<'a> {
    plan: &'a CurvePlan,
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
        let n = units.len();
        let begin: Vec<u32> =
            plan.begin.iter().flat_map(|&word| std::iter::repeat_n(word, L::N)).collect();
        let mut counts = begin.clone();
        let in_order: Vec<u32> = (0..n as u32).collect();
        let mut order = vec![0_u32; if plan.permutes() { n * L::N } else { 0 }];
        let drawer = Drawer::new(lanes, &plan.draws, stream);
        for (group, out) in self.out.chunks_mut(L::N).enumerate() {
            let first = self.first + (group * L::N) as u64;
            counts.copy_from_slice(&begin);
            let mut add = |lane: usize, unit: u32| {
                let Unit { word, increment } = units[unit as usize];
                let count = &mut counts[word as usize * L::N + lane];
                *count = count.wrapping_add(increment);
            };
            if plan.permutes() {
                order.chunks_exact_mut(n).for_each(|order| order.copy_from_slice(&in_order));
                drawer.draw(lanes, first, |slot, lane, other| {
                    order.swap(lane * n + slot, lane * n + other as usize);
                    add(lane, order[lane * n + slot]);
                });
            } else {
                drawer.draw(lanes, first, |_, lane, unit| add(lane, unit));
            }
            read_off(lanes, plan, &counts, out);
        }
    }
}

/// A double in each lane; the loops below run over the lanes there are.
type Doubles = [f64; 16];

/// Counts of one grid time in each lane, of arms 0 and 1.
struct Counts {
    deaths: [Doubles; 2],
    leavers: [Doubles; 2],
}

#[inline(always)]
fn doubles<L: Lanes>(l: L, words: L::U) -> Doubles {
    let (mut stored, mut out) = ([0_u32; 16], [0.0; 16]);
    l.store(words, &mut stored);
    for lane in 0..L::N {
        // Counts are far below 2^31, and signed words convert faster.
        out[lane] = f64::from(stored[lane] as i32);
    }
    out
}

#[inline(always)]
fn counts_at<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32], at: usize) -> Counts {
    let [d0, d1, c0, c1] = unpack(l, &plan.draws, counts, at).map(|words| doubles(l, words));
    Counts { deaths: [d0, d1], leavers: [c0, c1] }
}

/// Number of each arm. The packed counts add up without overflow: no field exceeds all subjects.
#[inline(always)]
fn drawn<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32]) -> [Doubles; 2] {
    let words = plan.draws.words_per_time;
    let mut sums = [0_u32; 32];
    for at in (0..counts.len()).step_by(words * L::N) {
        for word in 0..words {
            let sum = l.load(&sums[word * L::N..]);
            let sum = l.add_u(sum, l.load(&counts[at + word * L::N..]));
            l.store(sum, &mut sums[word * L::N..]);
        }
    }
    let Counts { deaths, leavers } = counts_at(l, plan, &sums, 0);
    let mut n = deaths;
    for arm in 0..2 {
        for lane in 0..L::N {
            n[arm][lane] += leavers[arm][lane];
        }
    }
    n
}

/// From counts to what each replicate leaves.
#[inline(always)]
fn read_off<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32], out: &mut [Replicate]) {
    match plan.statistic {
        CurveStatistic::Quantile { level } => crossings(l, plan, level, counts, out),
        CurveStatistic::LogRank => log_rank(l, plan, counts, out),
        _ => differences(l, plan, counts, out),
    }
}

/// Walks forward with S as [`KaplanMeier`](crate::survival::KaplanMeier) forms it, factor by factor,
/// and counts the times at which it is still above the level.
#[inline(always)]
fn crossings<L: Lanes>(l: L, plan: &CurvePlan, level: f64, counts: &[u32], out: &mut [Replicate]) {
    let all = drawn(l, plan, counts);
    let mut at_risk = all;
    let mut survival = [[1.0; 16]; 2];
    let (mut above, mut not_below) = ([[0.0; 16]; 2], [[0.0; 16]; 2]);
    let (upper, lower) = (level + LEVEL_TOLERANCE, level - LEVEL_TOLERANCE);
    for at in 0..=plan.times.len() {
        let Counts { deaths, leavers } = counts_at(l, plan, counts, at);
        if at > 0 {
            for arm in 0..2 {
                for lane in 0..L::N {
                    let (n, d) = (at_risk[arm][lane], deaths[arm][lane]);
                    let fallen = survival[arm][lane] * ((n - d) / n);
                    let s = if d > 0.0 { fallen } else { survival[arm][lane] };
                    survival[arm][lane] = s;
                    above[arm][lane] += if s > upper { 1.0 } else { 0.0 };
                    not_below[arm][lane] += if s > lower { 1.0 } else { 0.0 };
                }
            }
        }
        for arm in 0..2 {
            for lane in 0..L::N {
                at_risk[arm][lane] -= deaths[arm][lane] + leavers[arm][lane];
            }
        }
    }
    let n_times = plan.times.len();
    for (lane, out) in out.iter_mut().enumerate() {
        // The number of the first time after so many, 0 where there is none.
        let number = |before: f64| if before as usize == n_times { 0 } else { before as u16 + 1 };
        let of_arm = |arm: usize| [number(above[arm][lane]), number(not_below[arm][lane])];
        let both = [of_arm(0), of_arm(1)];
        *out = if all[0][lane] == 0.0 || all[1][lane] == 0.0 {
            Replicate::SingleGroup
        } else if both[0][0] == 0 || both[1][0] == 0 {
            Replicate::NotReached
        } else {
            Replicate::Crossings(both)
        };
    }
}

/// Walks back with the area or survival after each time, relative to S there.
#[inline(always)]
fn differences<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32], out: &mut [Replicate]) {
    let survival_at = matches!(plan.statistic, CurveStatistic::SurvivalAt { .. });
    let mut at_risk = [[0.0; 16]; 2];
    let mut after = [[if survival_at { 1.0 } else { 0.0 }; 16]; 2];
    let mut variance = [[0.0; 16]; 2];
    let mut at_end = at_risk;
    for at in (0..=plan.times.len()).rev() {
        let Counts { deaths, leavers } = counts_at(l, plan, counts, at);
        for arm in 0..2 {
            for lane in 0..L::N {
                at_risk[arm][lane] += deaths[arm][lane] + leavers[arm][lane];
                let area = after[arm][lane] + plan.widths[at];
                // Without anyone at risk nobody dies, and S stays.
                let n = at_risk[arm][lane].max(1.0);
                let d = deaths[arm][lane];
                let inverse = 1.0 / n;
                let q = if d > 0.0 { (n - d) * inverse } else { 1.0 };
                variance[arm][lane] =
                    q * q * variance[arm][lane] + area * area * d * q * inverse * inverse;
                after[arm][lane] = q * area;
            }
        }
        if at == plan.times.len() {
            at_end = at_risk;
        }
    }
    for (lane, out) in out.iter_mut().enumerate() {
        let of = |column: &[Doubles; 2]| [column[0][lane], column[1][lane]];
        let (all, [s0, s1], [v0, v1]) = (of(&at_risk), of(&after), of(&variance));
        let known = (0..2).all(|arm| at_end[arm][lane] > 0.0 || after[arm][lane] == 0.0);
        // Greenwood's variance of log S does not exist where S is 0.
        let has_variance = !survival_at || (s0 > 0.0 && s1 > 0.0);
        *out = if all.contains(&0.0) {
            Replicate::SingleGroup
        } else if survival_at && !known {
            Replicate::NotReached
        } else {
            let variance = if has_variance { v0 + v1 } else { 0.0 };
            Replicate::Moments { value: s1 - s0, variance }
        };
    }
}

/// Walks back with the numbers at risk.
#[inline(always)]
fn log_rank<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32], out: &mut [Replicate]) {
    let mut at_risk = [[0.0; 16]; 2];
    let (mut observed, mut expected, mut variance) = ([0.0; 16], [0.0; 16], [0.0; 16]);
    for at in (0..=plan.times.len()).rev() {
        let Counts { deaths, leavers } = counts_at(l, plan, counts, at);
        for arm in 0..2 {
            for lane in 0..L::N {
                at_risk[arm][lane] += deaths[arm][lane] + leavers[arm][lane];
            }
        }
        if at == 0 {
            break;
        }
        for lane in 0..L::N {
            let [n_0, n_1] = [at_risk[0][lane], at_risk[1][lane]];
            let d = deaths[0][lane] + deaths[1][lane];
            let n = n_0 + n_1;
            let inverse = 1.0 / n.max(1.0);
            let of_others = (n - d) / (n - 1.0).max(1.0);
            observed[lane] += deaths[1][lane];
            expected[lane] += d * n_1 * inverse;
            variance[lane] += d * of_others * (n_0 * inverse) * (n_1 * inverse);
        }
    }
    for (lane, out) in out.iter_mut().enumerate() {
        *out = if at_risk[0][lane] == 0.0 || at_risk[1][lane] == 0.0 {
            Replicate::SingleGroup
        } else if variance[lane] == 0.0 {
            Replicate::NoEvents
        } else {
            let value = observed[lane] - expected[lane];
            Replicate::Moments { value, variance: variance[lane] }
        };
    }
}
