//! From packed counts to the statistics of `N` replicates' curves.

use super::super::lanes::Lanes;
use super::super::scatter::unpack;
use super::{CurvePlan, CurveStatistic, LEVEL_TOLERANCE, Replicate};

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
pub(super) fn read_off<L: Lanes>(l: L, plan: &CurvePlan, counts: &[u32], out: &mut [Replicate]) {
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
