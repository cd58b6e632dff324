//! Newton's method of eight replicates at once.
#![allow(clippy::needless_range_loop, reason = "one index into columns of several arrays")]

use super::factor::Factor;
use super::penalty::Means;
use super::plan::{EventTime, Plan};
use super::{Replicate, Status};
use crate::kernels::lanes::{EIGHT, Lanes};

/// Most columns solved here; larger models go to the host.
pub(super) const MOST_COLUMNS: usize = 16;
pub(super) const MOST_PAIRS: usize = MOST_COLUMNS * (MOST_COLUMNS + 1) / 2;

/// Evaluations before a replicate goes to the host: from the estimate of the data five are usual.
const MOST_EVALUATIONS: usize = 12;
/// Squared distance to the maximum, in standard errors, that counts as arrived; the last step is
/// still taken, so the distance left is of the order of this.
const ARRIVED: f64 = 1e-16;
/// The same for a penalised likelihood: steps with the plain information shrink the distance by a
/// fixed factor each, so there are more of them, and the last one leaves a share of itself.
const MOST_PENALISED_EVALUATIONS: usize = 60;
const PENALISED_ARRIVED: f64 = 1e-19;
/// A finite maximum is approached with steps that shrink quadratically, one at infinity with steps
/// of about 1 / (smallest gap); below this in every standardised coefficient a step is short.
const SHORT_STEP: f64 = 1e-4;
/// Longest step in a standardised coefficient: two standard deviations move a hazard sevenfold.
const LONGEST_STEP: f64 = 2.0;
/// Share of the slope at the start of a step that may be left, with the other sign, at its end.
const OVERSHOT: f64 = -0.5;
/// Largest linear predictor: `exp` of it and sums of its products stay normal numbers.
const LARGEST_PREDICTOR: f64 = 250.0;
/// Late entries are taken out of the sums by subtraction; below this share of the largest sum
/// fewer than ten digits are left.
const LEAST_LEFT: f64 = 1e-5;

/// Position of element `(a, b)`, a <= b, in a packed upper triangle of `[p x p]`.
#[inline(always)]
pub(super) fn packed(p: usize, a: usize, b: usize) -> usize {
    a * p - a * (a + 1) / 2 + b
}

/// Memory of a batch, reused from group to group.
pub(super) struct Work<L: Lanes> {
    /// Copies times weight of each row `[n_rows]`.
    mass: Vec<L::D>,
    /// `mass * exp(linear predictor)` `[n_rows]`.
    risk: Vec<L::D>,
    /// Cumulative hazard at the entry of each row `[n_rows]`, where there are entries.
    entry_hazard: Vec<L::D>,
    times: Vec<TimeWork<L>>,
    /// Sum over the events of mass times column.
    event_x: [L::D; MOST_COLUMNS],
    means: Means<L>,
}

/// What is kept of an event time.
#[derive(Clone, Copy)]
pub(super) struct TimeWork<L: Lanes> {
    /// Number of terms of each replicate: Efron's deaths, Breslow's one.
    terms: L::D,
    /// Their largest number.
    pub(super) most_terms: usize,
    /// 1 / terms.
    share: L::D,
    /// Weight of each term.
    pub(super) weight: L::D,
    /// Increment of the cumulative hazard, and what failing rows are spared of it.
    pub(super) hazard: L::D,
    pub(super) spared: L::D,
}

/// Score and information `[p]`, `[p (p + 1) / 2]`, and where digits were lost.
struct Derivatives<L: Lanes> {
    score: [L::D; MOST_COLUMNS],
    information: [L::D; MOST_PAIRS],
    lost: L::B,
}

impl<L: Lanes> Work<L> {
    pub(super) fn new(l: L, plan: &Plan) -> Self {
        let (zero, n) = (l.d(0.0), plan.n_rows());
        let time = TimeWork {
            terms: zero,
            most_terms: 0,
            share: zero,
            weight: zero,
            hazard: zero,
            spared: zero,
        };
        Self {
            mass: vec![zero; n],
            risk: vec![zero; n],
            entry_hazard: vec![zero; if plan.leavers.is_empty() { 0 } else { n }],
            times: vec![time; plan.times.len()],
            event_x: [zero; MOST_COLUMNS],
            means: Means::new(l, plan),
        }
    }

    /// Takes a group of replicates: what does not change from step to step.
    #[inline(always)]
    fn load(&mut self, l: L, plan: &Plan, p: usize, copies: &[f64], mass: &[f64]) {
        for (row, mass) in self.mass.iter_mut().zip(mass.chunks_exact(EIGHT)) {
            *row = l.load_d(mass);
        }
        self.event_x = [l.d(0.0); MOST_COLUMNS];
        for (work, time) in self.times.iter_mut().zip(&plan.times) {
            let (mut deaths, mut weight) = (l.d(0.0), l.d(0.0));
            for row in time.failing..time.joining.end {
                deaths = l.add_d(deaths, l.load_d(&copies[row * EIGHT..]));
                weight = l.add_d(weight, self.mass[row]);
                for (sum, &x) in self.event_x[..p].iter_mut().zip(&plan.x[row * p..][..p]) {
                    *sum = l.add_d(*sum, l.mul_d(self.mass[row], l.d(x)));
                }
            }
            let one = l.d(1.0);
            let mut counts = [0.0; EIGHT];
            l.store_d(deaths, &mut counts);
            let most = counts.iter().fold(0.0_f64, |most, count| most.max(*count));
            let some = l.lt_d(l.d(0.0), deaths);
            work.most_terms = if plan.efron { most as usize } else { most.min(1.0) as usize };
            work.terms = if plan.efron { deaths } else { l.pick_d(some, one, l.d(0.0)) };
            work.share = l.div_d(one, l.max_d(work.terms, one));
            work.weight = l.mul_d(weight, work.share);
        }
    }

    /// Score and information at `beta`.
    #[inline(always)]
    fn derivatives<const FIRTH: bool>(
        &mut self,
        l: L,
        plan: &Plan,
        p: usize,
        beta: &[L::D; MOST_COLUMNS],
    ) -> Derivatives<L> {
        let zero = l.d(0.0);
        let mut at = Derivatives {
            score: self.event_x,
            information: [zero; MOST_PAIRS],
            lost: l.lt_d(zero, zero),
        };
        if FIRTH {
            self.means.clear(l);
        }
        let (mut s0, mut s1, mut peak) = (zero, [zero; MOST_COLUMNS], zero);
        for (index, time) in plan.times.iter().enumerate() {
            if time.opens_stratum {
                (s0, s1, peak) = (zero, [zero; MOST_COLUMNS], zero);
            }
            for row in time.joining.clone() {
                let x = &plan.x[row * p..][..p];
                let mut predictor = l.mul_d(beta[0], l.d(x[0]));
                for k in 1..p {
                    predictor = l.add_d(predictor, l.mul_d(beta[k], l.d(x[k])));
                }
                let risk = l.mul_d(self.mass[row], l.exp_d(predictor));
                self.risk[row] = risk;
                s0 = l.add_d(s0, risk);
                for k in 0..p {
                    s1[k] = l.add_d(s1[k], l.mul_d(risk, l.d(x[k])));
                }
            }
            if !plan.leavers.is_empty() {
                peak = l.max_d(peak, s0);
                for &row in &plan.leavers[time.leaving.clone()] {
                    let row = row as usize;
                    let (risk, x) = (self.risk[row], &plan.x[row * p..][..p]);
                    s0 = l.sub_d(s0, risk);
                    for k in 0..p {
                        s1[k] = l.sub_d(s1[k], l.mul_d(risk, l.d(x[k])));
                    }
                }
                let few = l.lt_d(s0, l.mul_d(peak, l.d(LEAST_LEFT)));
                let needed = l.lt_d(zero, self.times[index].terms);
                at.lost = l.or_b(at.lost, l.and_b(few, needed));
            }
            self.add_terms::<FIRTH>(l, plan, p, index, time, (s0, &s1), &mut at);
        }
        self.add_rows(l, plan, p, &mut at);
        at
    }

    /// The terms of one event time: their means leave score and information.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "the state of the walk")]
    fn add_terms<const FIRTH: bool>(
        &mut self,
        l: L,
        plan: &Plan,
        p: usize,
        index: usize,
        time: &EventTime,
        (s0, s1): (L::D, &[L::D; MOST_COLUMNS]),
        at: &mut Derivatives<L>,
    ) {
        let (zero, one) = (l.d(0.0), l.d(1.0));
        let TimeWork { terms, most_terms, share, weight, .. } = self.times[index];
        let (mut f0, mut f1) = (zero, [zero; MOST_COLUMNS]);
        if most_terms > 1 {
            for row in time.failing..time.joining.end {
                let (risk, x) = (self.risk[row], &plan.x[row * p..][..p]);
                f0 = l.add_d(f0, risk);
                for k in 0..p {
                    f1[k] = l.add_d(f1[k], l.mul_d(risk, l.d(x[k])));
                }
            }
        }
        let (mut hazard, mut spared) = (zero, zero);
        for term in 0..most_terms {
            let here = l.lt_d(l.d(term as f64), terms);
            let out = l.mul_d(l.d(term as f64), share);
            let left = if term == 0 { s0 } else { l.sub_d(s0, l.mul_d(out, f0)) };
            // A term that is not there divides by 1 and counts 0.
            let inverse = l.pick_d(here, l.div_d(one, l.pick_d(here, left, one)), zero);
            let increment = l.mul_d(weight, inverse);
            hazard = l.add_d(hazard, increment);
            spared = l.add_d(spared, l.mul_d(out, increment));
            let mut mean = [zero; MOST_COLUMNS];
            for a in 0..p {
                let sum = if term == 0 { s1[a] } else { l.sub_d(s1[a], l.mul_d(out, f1[a])) };
                mean[a] = l.mul_d(sum, inverse);
            }
            if FIRTH {
                self.means.push(l, index, &mean[..p], increment, out);
            }
            for a in 0..p {
                let weighted = l.mul_d(weight, mean[a]);
                at.score[a] = l.sub_d(at.score[a], weighted);
                for b in a..p {
                    let pair = &mut at.information[packed(p, a, b)];
                    *pair = l.sub_d(*pair, l.mul_d(weighted, mean[b]));
                }
            }
        }
        self.times[index].hazard = hazard;
        self.times[index].spared = spared;
    }

    /// The rows' `r H x x'`, walking up from the first event time of each stratum.
    #[inline(always)]
    fn add_rows(&mut self, l: L, plan: &Plan, p: usize, at: &mut Derivatives<L>) {
        let zero = l.d(0.0);
        let mut hazard = zero;
        let mut opens = true;
        for (work, time) in self.times.iter().zip(&plan.times).rev() {
            if opens {
                hazard = zero;
            }
            opens = time.opens_stratum;
            hazard = l.add_d(hazard, work.hazard);
            for &row in &plan.leavers[time.leaving.clone()] {
                self.entry_hazard[row as usize] = hazard;
            }
            for row in time.joining.clone() {
                let mut own = hazard;
                if !plan.leavers.is_empty() {
                    own = l.sub_d(own, self.entry_hazard[row]);
                }
                if row >= time.failing {
                    own = l.sub_d(own, work.spared);
                }
                let expected = l.mul_d(self.risk[row], own);
                let x = &plan.x[row * p..][..p];
                for a in 0..p {
                    let weighted = l.mul_d(expected, l.d(x[a]));
                    for b in a..p {
                        let pair = &mut at.information[packed(p, a, b)];
                        *pair = l.add_d(*pair, l.mul_d(weighted, l.d(x[b])));
                    }
                }
            }
        }
    }
}

/// Solves a group of up to eight replicates. `p` is the plan's, as a constant where it is common.
#[inline(always)]
pub(super) fn solve_eight<L: Lanes, const FIRTH: bool>(
    l: L,
    plan: &Plan,
    p: usize,
    copies: &[f64],
    mass: &[f64],
    work: &mut Work<L>,
    out: &mut [Replicate],
) {
    let (zero, one) = (l.d(0.0), l.d(1.0));
    work.load(l, plan, p, copies, mass);
    let mut beta = [zero; MOST_COLUMNS];
    for (beta, start) in beta[..p].iter_mut().zip(&plan.start) {
        *beta = l.d(*start);
    }
    let (mut base, mut step) = (beta, [zero; MOST_COLUMNS]);
    let (mut slope, mut factor) = (zero, one);
    let (mut coef, mut information) = (zero, zero);
    let everyone = l.lt_d(zero, one);
    let (mut running, mut solved) = (everyone, l.lt_d(zero, zero));
    let (most_evaluations, arrived_below) = if FIRTH {
        (MOST_PENALISED_EVALUATIONS, PENALISED_ARRIVED)
    } else {
        (MOST_EVALUATIONS, ARRIVED)
    };
    for _ in 0..most_evaluations {
        let mut at = work.derivatives::<FIRTH>(l, plan, p, &beta);
        let factors = Factor::new(l, p, &at.information);
        if FIRTH {
            let inverse = factors.inverse(l, p);
            let Work { means, times, risk, entry_hazard, .. } = &mut *work;
            let penalty = means.gradient(l, plan, p, &inverse, times, risk, entry_hazard);
            for k in 0..p {
                at.score[k] = l.add_d(at.score[k], penalty[k]);
            }
        }
        let mut along = zero;
        for k in 0..p {
            along = l.add_d(along, l.mul_d(at.score[k], step[k]));
        }
        let overshot = l.lt_d(along, l.mul_d(slope, l.d(OVERSHOT)));
        let (newton, distance) = factors.solve(l, p, &at.score);
        let mut longest = zero;
        for k in 0..p {
            let length = l.max_d(newton[k], l.sub_d(zero, newton[k]));
            longest = l.max_d(longest, length);
        }
        let sound = l.but_not_b(factors.definite, l.or_b(at.lost, overshot));
        let near = l.and_b(l.lt_d(distance, l.d(arrived_below)), l.lt_d(longest, l.d(SHORT_STEP)));
        let arrived = l.and_b(running, l.and_b(sound, near));
        coef = l.pick_d(arrived, l.add_d(beta[p - 1], newton[p - 1]), coef);
        information = l.pick_d(arrived, factors.left_to_last(p), information);
        solved = l.or_b(solved, arrived);
        // On go those that have not arrived and stand, or have overshot from, sound ground.
        running = l.but_not_b(l.and_b(running, l.or_b(sound, overshot)), l.or_b(arrived, at.lost));
        if l.mask(running) == 0 {
            break;
        }
        let shorten = l.div_d(l.d(LONGEST_STEP), l.max_d(longest, l.d(LONGEST_STEP)));
        slope = l.pick_d(overshot, slope, l.mul_d(distance, shorten));
        factor = l.pick_d(overshot, l.mul_d(factor, l.d(0.5)), one);
        let mut largest = zero;
        for k in 0..p {
            base[k] = l.pick_d(overshot, base[k], beta[k]);
            step[k] = l.pick_d(overshot, step[k], l.mul_d(newton[k], shorten));
            let next = l.add_d(base[k], l.mul_d(factor, step[k]));
            // Who has stopped waits at 0, where everything is finite.
            beta[k] = l.pick_d(running, next, zero);
            let size = l.max_d(beta[k], l.sub_d(zero, beta[k]));
            largest = l.add_d(largest, l.mul_d(size, l.d(plan.span[k])));
        }
        let inside = l.lt_d(largest, l.d(LARGEST_PREDICTOR));
        running = l.and_b(running, inside);
        for beta in &mut beta[..p] {
            *beta = l.pick_d(running, *beta, zero);
        }
    }
    let (mut coefs, mut informations) = ([0.0; EIGHT], [0.0; EIGHT]);
    l.store_d(coef, &mut coefs);
    l.store_d(information, &mut informations);
    let solved = l.mask(solved);
    for (lane, replicate) in out.iter_mut().enumerate() {
        *replicate = if solved >> lane & 1 == 1 {
            Replicate {
                coef: coefs[lane] / plan.scale,
                std_err: 1.0 / (informations[lane].sqrt() * plan.scale),
                status: Status::Estimable,
            }
        } else {
            Replicate { coef: 0.0, std_err: 0.0, status: Status::NeedsHost }
        };
    }
}
