//! A cohort made ready for resampling of its curves, and what its replicates are worth.

use super::super::hazard_ratio_bootstrap::{Plan, Slot, Unit};
use super::{CurveStatistic, LEVEL_TOLERANCE, Replicate, TOLERANCE, Uniforms, solve_sample};
use crate::numeric::draw::{self, Stream, Width};
use crate::numeric::philox;

/// 2^48: the shader's unit of S.
const SURVIVAL_UNIT: f64 = 281_474_976_710_656.0;
/// Ticks of `tau`, 2^31; the shader counts areas in ticks times 2^-31.
const TICKS: f64 = 2_147_483_648.0;

/// How the data of a replicate are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveDraws<'a> {
    /// Subjects drawn with replacement, within strata (a code a subject) if given.
    Resample(Option<&'a [usize]>),
    /// The arms shuffled.
    Permute,
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
    pub(super) arm: Vec<bool>,
    /// From each grid time to the next, the first from 0, the last to the horizon `[n_times + 1]`;
    /// zeros where no area is wanted.
    pub(super) widths: Vec<f64>,
}

impl CurvePlan {
    /// Prepares follow-up `time`, `event` and `arm` of `n` subjects.
    ///
    /// # Panics
    /// When the columns differ in length or hold more rows than the packed counts
    /// ([`MAX_UNITS`](crate::kernels::hazard_ratio_bootstrap::MAX_UNITS)): the caller checks.
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
